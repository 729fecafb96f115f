#!/usr/bin/env bash
# Starts the broker. The volume is formatted once: a volume that holds data is used as it is, whatever KAFKA_CLUSTER_ID
# says, because formatting again would lose every topic.
#
#   KAFKA_CLUSTER_ID       id of a new cluster: 16 bytes in base64url, 22 characters (needed on an empty volume)
#   KAFKA_ADVERTISED_HOST  name by which clients reach this broker
#   KAFKA_HEAP             Java heap limit, for example 384m
#   KAFKA_DATA_DIR         default /var/lib/kafka/data
#   KAFKA_LOG_LEVEL        default INFO
set -euo pipefail

: "${KAFKA_ADVERTISED_HOST:?KAFKA_ADVERTISED_HOST must name the host clients reach this broker by}"
data=${KAFKA_DATA_DIR:-/var/lib/kafka/data}
heap=${KAFKA_HEAP:-384m}
run=${TMPDIR:-/tmp}

render() { # <data folder> <file>
  sed -e "s|\${LISTEN_HOST}|0.0.0.0|" \
    -e "s|\${ADVERTISED_HOST}|${KAFKA_ADVERTISED_HOST}|" \
    -e "s|\${CLIENT_PORT}|9092|" \
    -e "s|\${CONTROLLER_PORT}|9093|" \
    -e "s|\${DATA_DIR}|$1|" \
    /opt/kafka/config/server.properties >"$2"
}

java=(java -XX:+UseSerialGC -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError -XX:MaxDirectMemorySize=64m
  -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.properties -cp '/opt/kafka/lib/*')

if [[ ! -f $data/meta.properties ]]; then
  : "${KAFKA_CLUSTER_ID:?KAFKA_CLUSTER_ID must be set: the volume is empty and a new cluster needs an id}"
  if [[ -d $data && -n $(ls -A "$data") ]]; then
    echo "kafka-entrypoint: $data holds files but no meta.properties: refusing to format over them" >&2
    exit 1
  fi
  # Formatted aside and renamed: a start that is interrupted leaves nothing half formatted behind.
  draft=$data.draft
  rm -rf "$draft"
  render "$draft" "$run/format.properties"
  "${java[@]}" -Xmx128m kafka.tools.StorageTool format "--cluster-id=$KAFKA_CLUSTER_ID" \
    --config "$run/format.properties" --standalone
  rm -rf "$data"
  mv "$draft" "$data"
fi

render "$data" "$run/server.properties"
exec "${java[@]}" "-Xms${KAFKA_HEAP_INITIAL:-128m}" "-Xmx$heap" kafka.Kafka "$run/server.properties"
