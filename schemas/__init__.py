"""The contract between the processes: the message, the log's topic, the settings, the tables."""
