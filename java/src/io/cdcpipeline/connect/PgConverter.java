package io.cdcpipeline.connect;

import io.debezium.connector.postgresql.UnchangedToastedReplicationMessageColumn;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import java.util.Properties;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes every column of every table, so that nothing that PostgreSQL sent is lost in Debezium's own conversions. */
public final class PgConverter implements CustomConverter<SchemaBuilder, RelationalColumn> {
    private static final Logger LOG = LoggerFactory.getLogger(PgConverter.class);

    @Override
    public void configure(Properties properties) {
        // The converter has no settings.
    }

    @Override
    public void converterFor(RelationalColumn column, ConverterRegistration<SchemaBuilder> registration) {
        Type type = Types.of(column);
        boolean required = type.holdsAll() && !column.isOptional();
        String name = column.dataCollection() + "." + column.name();
        // Debezium converts the column's default once, at once, to declare it. No row is to have one in the place of a null.
        boolean[] isDefault = {column.hasDefaultValue() && column.defaultValue() != null};
        registration.register(Value.schema(type.schema(), required), sent -> {
            if (isDefault[0]) {
                isDefault[0] = false;
                return null;
            }
            return sent == null ? null : value(type, sent, name);
        });
    }

    /** Never throws: a value that cannot be had as its type is had as text. */
    private static Value value(Type type, Object sent, String name) {
        if (UnchangedToastedReplicationMessageColumn.isUnchangedToastedValue(sent)) {
            return Value.UNSENT;
        }
        try {
            return type.conversion().of(sent);
        } catch (RuntimeException | java.sql.SQLException unexpected) {
            LOG.warn("A value of {} is sent as text: {}", name, unexpected.toString());
        }
        try {
            return Value.beside(PgText.of(sent));
        } catch (RuntimeException | java.sql.SQLException error) {
            LOG.error("A value of {} is lost: {} cannot be read", name, sent.getClass().getName(), error);
            return Value.lost();
        }
    }
}
