from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "desk"

    def ready(self) -> None:
        from crisiscomms import kit_views
        from desk import search
        from desk.drawings import examples

        assert search
        kit_views.show("desk/kit_drawings.html", examples.for_kit)
