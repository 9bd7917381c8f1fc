package io.cdcpipeline.connect;

import org.apache.kafka.connect.connector.Task;

/** Debezium's connector, whose task leaves Kafka alone while nothing changes. */
public final class PgConnector extends io.debezium.connector.postgresql.PostgresConnector {
    @Override
    public Class<? extends Task> taskClass() {
        return PgTask.class;
    }
}
