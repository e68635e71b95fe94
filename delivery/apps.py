from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"

    def ready(self) -> None:
        from delivery import facts_left, forgetting, mails, plan_section, queries, record, rules, uses, watched
        from delivery.channels import chat
        from incidents import criteria

        assert chat
        assert facts_left
        assert forgetting
        assert mails
        assert plan_section
        assert record
        assert rules
        assert uses
        assert watched
        criteria.register("resolved_message_sent", queries.resolved_message_went_out)
