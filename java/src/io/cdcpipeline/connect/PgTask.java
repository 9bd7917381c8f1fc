package io.cdcpipeline.connect;

import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import io.debezium.connector.postgresql.PostgresSchema;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.connection.ReplicationConnection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Debezium's task, which tells PostgreSQL how far Kafka has its changes after records alone, and at most once a second.
 * Debezium reads its offset from Kafka each time. Kafka Connect would have it do so after every poll, also after an empty
 * one: 18 times a second at rest. It reads the stream through a {@link StreamDecoder}.
 */
public final class PgTask extends PostgresConnectorTask {
    private static final long PAUSE_NS = TimeUnit.SECONDS.toNanos(1);

    private long last = System.nanoTime() - PAUSE_NS;

    /** @return null in the place of no records, after which Kafka Connect commits nothing */
    @Override
    public List<SourceRecord> doPoll() throws InterruptedException {
        List<SourceRecord> records = super.doPoll();
        return records == null || records.isEmpty() ? null : records;
    }

    /** What is left out here comes with the next heartbeat, or without heartbeats with the next change. */
    @Override
    public void commit() throws InterruptedException {
        long now = System.nanoTime();
        if (now - last >= PAUSE_NS) {
            last = now;
            super.commit();
        }
    }

    @Override
    protected ReplicationConnection buildReplicationConnection(
            PostgresConnection connection, PostgresSchema schema, PostgresConnectorConfig config) throws SQLException {
        ReplicationConnection made = super.buildReplicationConnection(connection, schema, config);
        StreamDecoder.in(made, schema, config.getTableFilters().dataCollectionFilter());
        return made;
    }
}
