"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("subscriptions", "sns", "list_subscriptions", "Subscriptions", "SubscriptionArn")
inventory.listed("topics", "sns", "list_topics", "Topics", "TopicArn")
