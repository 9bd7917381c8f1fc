package io.cdcpipeline.connect;

import java.sql.SQLException;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * What a column becomes.
 *
 * @param schema of its values, optional and without a default.
 * @param holdsAll whether the schema holds every value exactly, so that nothing is ever beside it.
 * @param conversion from what Debezium hands over, which differs between snapshot and stream.
 */
record Type(Schema schema, boolean holdsAll, Conversion conversion) {
    /** From what Debezium read, never null, to a value. What it throws makes the value be sent as text. */
    @FunctionalInterface
    interface Conversion {
        Value of(Object sent) throws SQLException;
    }

    static Type exact(SchemaBuilder schema, Conversion conversion) {
        return new Type(schema.optional().build(), true, conversion);
    }

    static Type partial(SchemaBuilder schema, Conversion conversion) {
        return new Type(schema.optional().build(), false, conversion);
    }
}
