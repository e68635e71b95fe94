from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"

    def ready(self) -> None:
        from delivery import mails, queries, rules, uses
        from incidents import criteria

        assert mails
        assert rules
        assert uses
        criteria.register("resolved_message_sent", queries.resolved_message_went_out)
