"""The one-machine stack: Apache Kafka and PostgreSQL as children of this process, with no Java, Docker or server needed."""
