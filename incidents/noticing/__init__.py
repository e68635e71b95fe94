"""What somebody or something noticed: taken in, judged by rules, proposed to a person."""
