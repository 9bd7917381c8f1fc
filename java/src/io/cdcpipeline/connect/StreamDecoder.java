package io.cdcpipeline.connect;

import io.debezium.DebeziumException;
import io.debezium.connector.postgresql.PostgresSchema;
import io.debezium.connector.postgresql.PostgresType;
import io.debezium.connector.postgresql.TypeRegistry;
import io.debezium.connector.postgresql.connection.Lsn;
import io.debezium.connector.postgresql.connection.MessageDecoder;
import io.debezium.connector.postgresql.connection.PostgresReplicationConnection;
import io.debezium.connector.postgresql.connection.ReplicationConnection;
import io.debezium.connector.postgresql.connection.ReplicationMessage;
import io.debezium.connector.postgresql.connection.ReplicationMessage.Operation;
import io.debezium.connector.postgresql.connection.ReplicationStream.ReplicationMessageProcessor;
import io.debezium.connector.postgresql.connection.WalPositionLocator;
import io.debezium.relational.TableId;
import io.debezium.relational.Tables.TableFilter;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Map;
import java.util.function.Function;
import org.postgresql.replication.fluent.logical.ChainedLogicalStreamBuilder;

/**
 * Debezium's decoder of pgoutput, which is kept to what the stream says of tables. PostgreSQL announces a table before its first
 * change, and again after it was altered. Debezium disregards the new name of a captured table that is renamed to one that is not
 * captured, and takes its changes for the captured table's; and where an enum has a value that it does not know, it reads the
 * table's columns as they are by now, and takes values for those of other columns.
 */
final class StreamDecoder implements MessageDecoder {
    private static final byte RELATION = 'R';

    private final MessageDecoder debezium;
    private final Map<Integer, TableId> announced;
    private final TableFilter captured;

    private StreamDecoder(MessageDecoder debezium, Map<Integer, TableId> announced, TableFilter captured) {
        this.debezium = debezium;
        this.announced = announced;
        this.captured = captured;
    }

    /** Has a connection read through it. Debezium has no other way to these two fields. */
    @SuppressWarnings("unchecked")
    static void in(ReplicationConnection connection, PostgresSchema schema, TableFilter captured) {
        try {
            Field decoder = field(PostgresReplicationConnection.class, "messageDecoder");
            var announced = (Map<Integer, TableId>) field(PostgresSchema.class, "relationIdToTableId").get(schema);
            decoder.set(connection, new StreamDecoder((MessageDecoder) decoder.get(connection), announced, captured));
        } catch (ReflectiveOperationException e) {
            throw new DebeziumException("this plugin does not fit this version of Debezium", e);
        }
    }

    private static Field field(Class<?> type, String name) throws NoSuchFieldException {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    @Override
    public void processMessage(ByteBuffer message, ReplicationMessageProcessor processor, TypeRegistry types)
            throws SQLException, InterruptedException {
        if (message.hasRemaining() && message.get(message.position()) == RELATION) {
            forgetIfRenamed(message.duplicate());
        }
        debezium.processMessage(message, change -> {
            learnEnums(change);
            processor.process(change);
        }, types);
    }

    private void forgetIfRenamed(ByteBuffer message) {
        message.get();
        int relation = message.getInt();
        String schema = word(message);
        if (!captured.isIncluded(new TableId(null, schema, word(message)))) {
            announced.remove(relation);
        }
    }

    private static String word(ByteBuffer message) {
        int from = message.position();
        while (message.get() != 0) {
            continue;
        }
        byte[] bytes = new byte[message.position() - 1 - from];
        message.get(from, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Values are text, whichever an enum has, so that none need be looked up. */
    private static void learnEnums(ReplicationMessage change) {
        Operation operation = change.getOperation();
        if (change.isSkippedMessage() || operation != Operation.INSERT && operation != Operation.UPDATE) {
            return;
        }
        for (ReplicationMessage.Column column : change.getNewTupleList()) {
            PostgresType type = column.getType();
            if (type.isEnumType() && column.getValue(() -> null, true) instanceof String value) {
                type.getEnumValues().add(value);
            }
        }
    }

    @Override
    public ChainedLogicalStreamBuilder defaultOptions(ChainedLogicalStreamBuilder builder, Function<Integer, Boolean> hasVersion) {
        return debezium.defaultOptions(builder, hasVersion);
    }

    @Override
    public boolean shouldMessageBeSkipped(ByteBuffer message, Lsn received, Lsn start, WalPositionLocator locator) {
        return debezium.shouldMessageBeSkipped(message, received, start, locator);
    }

    @Override
    public void close() {
        debezium.close();
    }
}
