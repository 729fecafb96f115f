#!/usr/bin/env bash
# Kafka's command line tools; the name it is called by selects the tool.
set -euo pipefail
case $(basename "$0") in
  kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
  kafka-consumer-groups.sh) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  kafka-console-consumer.sh) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
  kafka-console-producer.sh) class=org.apache.kafka.tools.ConsoleProducer ;;
  kafka-get-offsets.sh) class=org.apache.kafka.tools.GetOffsetShell ;;
  kafka-delete-records.sh) class=org.apache.kafka.tools.DeleteRecordsCommand ;;
  kafka-configs.sh) class=kafka.admin.ConfigCommand ;;
  kafka-log-dirs.sh) class=org.apache.kafka.tools.LogDirsCommand ;;
  kafka-broker-api-versions.sh) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
  *)
    echo "$(basename "$0"): no such tool; there are: $(cd "$(dirname "$0")" && ls | grep -v -e tool -e entrypoint | tr '\n' ' ')" >&2
    exit 2
    ;;
esac
exec java -Xmx"${KAFKA_TOOL_HEAP:-96m}" -XX:+UseSerialGC -XX:-UsePerfData -XX:TieredStopAtLevel=1 \
  -Dlog4j2.configurationFile=/opt/kafka/config/log4j2-tools.properties -cp '/opt/kafka/lib/*' "$class" "$@"
