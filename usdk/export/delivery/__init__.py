"""Delivery: from the outbox over a line to the receiver, until arrival is proven."""

from __future__ import annotations

from usdk.export.delivery.delivery import Delivery
from usdk.export.delivery.line_choice import Health
from usdk.export.delivery.measures import delivery_measures
from usdk.export.delivery.news import DeliveryMetrics, News, NewsKind

__all__ = ["Delivery", "DeliveryMetrics", "Health", "News", "NewsKind", "delivery_measures"]
