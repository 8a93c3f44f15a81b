"""The services. They share nothing but the events of `shared.events`."""
