"""The one door to Kafka: names of topics, the form of records, a producer whose position lies in Kafka itself, a consumer, dead letters."""
