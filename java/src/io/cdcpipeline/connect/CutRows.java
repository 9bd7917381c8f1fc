package io.cdcpipeline.connect;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.data.Struct;

/** Says which tables have rows that are too large: the first at once, and then at most once a minute, with their number. */
final class CutRows {
    private static final long PAUSE_NANOSECONDS = 60_000_000_000L;

    private static final class Table {
        long unsaid;
        long total;
        Long said;
    }

    private final Map<String, Table> tables = new HashMap<>();
    private final LongSupplier clock;
    private final Consumer<String> log;

    /**
     * What is said goes to `log`.
     *
     * @param clock nanoseconds of a clock that never goes back.
     */
    CutRows(LongSupplier clock, Consumer<String> log) {
        this.clock = clock;
        this.log = log;
    }

    /**
     * One row.
     *
     * @param table as its schema names it.
     * @param cuts what {@link Cuts} has of it; null or -1 bytes for values that were not too large.
     */
    void note(String table, Map<Object, Struct> cuts, Struct source) {
        if (cuts == null) {
            return;
        }
        StringBuilder columns = new StringBuilder();
        for (Map.Entry<Object, Struct> cut : cuts.entrySet()) {
            long bytes = cut.getValue().getInt64("bytes");
            if (bytes >= 0) {
                columns.append(columns.isEmpty() ? "" : ", ").append(cut.getKey()).append(" (").append(bytes).append(" bytes)");
            }
        }
        if (columns.isEmpty()) {
            return;
        }
        Table counted = tables.computeIfAbsent(table, name -> new Table());
        counted.unsaid++;
        counted.total++;
        long now = clock.getAsLong();
        if (counted.said != null && now - counted.said < PAUSE_NANOSECONDS) {
            return;
        }
        Object position = source.schema().field("lsn") == null ? null : source.get("lsn");
        log.accept("Rows of " + table + " above max.bytes since the last such line: " + counted.unsaid + ", since the start: "
                + counted.total + ". The last, at LSN " + position + ", arrives without " + columns
                + ", whose size and SHA-256 are in __cut");
        counted.said = now;
        counted.unsaid = 0;
    }
}
