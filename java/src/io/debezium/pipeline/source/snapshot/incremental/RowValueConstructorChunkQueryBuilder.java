package io.debezium.pipeline.source.snapshot.incremental;

import io.cdcpipeline.connect.Chunk;
import io.cdcpipeline.connect.Pace;
import io.debezium.data.SpecialValueDecimal;
import io.debezium.jdbc.JdbcConnection;
import io.debezium.relational.Column;
import io.debezium.relational.RelationalDatabaseConnectorConfig;
import io.debezium.relational.Table;
import io.debezium.spi.schema.DataCollectionId;
import java.math.BigDecimal;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Chunks of an incremental snapshot that are bounded in bytes too, in the place of the class of this name that the connector for
 * PostgreSQL uses: that one bounds them in rows alone, and all of them are held. A plugin's jars are searched in the order of
 * their names, and this one's comes first.
 *
 * <p>A chunk takes as much as one fetch of the largest rows that are not cut: {@code snapshot.fetch.size} times the
 * transformation's {@code max.bytes}. No column of a key is null, since a table with such a key is not read in chunks.
 */
public class RowValueConstructorChunkQueryBuilder<T extends DataCollectionId> extends AbstractChunkQueryBuilder<T> {
    private static final String LARGEST_ROW = "transforms.lossless.max.bytes";
    private static final long DEFAULT_LARGEST_ROW = 16L << 20;
    private static final String HEARTBEAT = "heartbeat.action.query";

    private final Pace pace;

    public RowValueConstructorChunkQueryBuilder(RelationalDatabaseConnectorConfig config, JdbcConnection connection) {
        super(config, connection);
        pace = new Pace(config.getJdbcConfig(), config.getConfig().getString(HEARTBEAT));
    }

    @Override
    public void addLowerBound(List<Column> key, Object[] bound, StringBuilder sql, boolean inclusive) {
        compare(key, inclusive ? ">=" : ">", sql);
    }

    @Override
    public void addUpperBound(List<Column> key, Object[] bound, StringBuilder sql, boolean inclusive) {
        compare(key, inclusive ? "<=" : "<", sql);
    }

    @Override
    public List<QueryParam> generateBoundaryParams(List<Column> key, Object[] bound) {
        List<QueryParam> each = new ArrayList<>();
        for (int i = 0; i < bound.length; i++) {
            each.add(new QueryParam(key.get(i), bound[i]));
        }
        return each;
    }

    @Override
    public int bindBoundaryParams(
            PreparedStatement statement, List<Column> key, Object[] bound, int first, JdbcConnection connection)
            throws SQLException {
        int place = first;
        for (QueryParam each : generateBoundaryParams(key, bound)) {
            String number = number(each.value());
            if (number == null) {
                connection.setQueryColumnValue(statement, each.column(), place, each.value());
            } else {
                // As text, which PostgreSQL reads as the column's type; the driver would bind a double.
                statement.setObject(place, number, Types.OTHER);
            }
            place++;
        }
        return place;
    }

    private static String number(Object value) {
        if (value instanceof SpecialValueDecimal decimal) {
            return decimal.getDecimalValue().map(BigDecimal::toPlainString).orElseGet(() -> String.valueOf(decimal.toDouble()));
        }
        if (value instanceof BigDecimal decimal) {
            return decimal.toPlainString();
        }
        return value instanceof Number ? value.toString() : null;
    }

    @Override
    public PreparedStatement readTableChunkStatement(IncrementalSnapshotContext<T> context, Table table, String sql)
            throws SQLException {
        pace.chunk();
        long row = connectorConfig.getConfig().getLong(LARGEST_ROW, DEFAULT_LARGEST_ROW);
        return Chunk.bounded(
                super.readTableChunkStatement(context, table, sql), row * connectorConfig.getSnapshotFetchSize());
    }

    /** PostgreSQL uses the index of the key for a comparison of rows. */
    private void compare(List<Column> key, String operator, StringBuilder sql) {
        String columns = key.stream().map(column -> jdbcConnection.quoteIdentifier(column.name())).collect(Collectors.joining(", "));
        sql.append("ROW(").append(columns).append(") ").append(operator);
        sql.append(" ROW(").append(String.join(", ", Collections.nCopies(key.size(), "?"))).append(")");
    }
}
