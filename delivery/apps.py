from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"

    def ready(self) -> None:
        from delivery import mails, queries, rules
        from incidents import criteria

        assert mails
        assert rules
        criteria.register("resolved_message_sent", queries.resolved_message_went_out)
