package io.cdcpipeline.connect;

import io.debezium.connector.postgresql.TypeRegistry;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.connection.PostgresDefaultValueConverter;
import io.debezium.relational.Column;
import io.debezium.relational.Table;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.postgresql.core.Oid;

/**
 * Debezium's connection, from which snapshots read PostgreSQL's own text where the driver has no object for each value: its
 * dates are of a calendar that lacks 5 to 14 October 1582, it opens the cursor that a refcursor names, and it fails at a byte that
 * is no character.
 */
public final class SnapshotConnection extends PostgresConnection {
    private final TypeRegistry types;
    private final PostgresDefaultValueConverter defaults;

    /** In the place of `made`, which is closed. */
    public SnapshotConnection(PostgresConnection made) throws SQLException {
        super(made.config(), CONNECTION_GENERAL);
        types = made.getTypeRegistry();
        defaults = made.getDefaultValueConverter();
        made.close();
    }

    @Override
    public TypeRegistry getTypeRegistry() {
        return types;
    }

    @Override
    public PostgresDefaultValueConverter getDefaultValueConverter() {
        return defaults;
    }

    @Override
    public Object getColumnValue(ResultSet rows, int index, Column column, Table table) throws SQLException {
        return switch (column.nativeType()) {
            case Oid.DATE, Oid.REFCURSOR -> rows.getString(index);
            case Oid.CHAR -> character(rows.getBytes(index));
            default -> super.getColumnValue(rows, index, column, table);
        };
    }

    /** A "char" above 127 as PostgreSQL prints it since version 15; earlier versions print the byte. */
    static String character(byte[] printed) {
        if (printed != null && printed.length == 1 && printed[0] < 0) {
            return String.format("\\%o", Byte.toUnsignedInt(printed[0]));
        }
        return printed == null ? null : new String(printed, StandardCharsets.UTF_8);
    }

    /** The end of a chunk. PostgreSQL reads a text as the column's type, since `stringtype` is unspecified. */
    @Override
    public void setQueryColumnValue(PreparedStatement statement, Column column, int index, Object value) throws SQLException {
        statement.setObject(index, value);
    }
}
