package io.cdcpipeline.connect;

import java.util.Map;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * A number that orders the transactions of a database as it has committed them: the LSN of the commit before. The connector
 * reads transactions in that order, while the LSNs of their changes overlap.
 */
final class CommitOrder {
    private Long snapshot;

    /** Of a change, by its source; null where the source says nothing. */
    Long of(SourceRecord record, String operation, Struct source) {
        Long own = number(source, "lsn");
        Map<String, ?> offset = record.sourceOffset();
        if ("r".equals(operation)) {
            Long committed = offset == null ? null : number(offset.get("lsn_commit"));
            if (own != null && committed == null) {
                snapshot = own;
            }
            return committed != null ? committed : own;
        }
        Long before = precedingCommit(source);
        return before != null ? before : snapshot != null ? snapshot : own;
    }

    /** The first of `["24023128","24023192"]`: the last commit that the connector has seen, and the change's own LSN. */
    private static Long precedingCommit(Struct source) {
        if (source.schema().field("sequence") == null || !(source.get("sequence") instanceof String sequence)) {
            return null;
        }
        int end = sequence.startsWith("[\"") ? sequence.indexOf('"', 2) : -1;
        return end < 0 ? null : Long.valueOf(sequence.substring(2, end));
    }

    private static Long number(Struct source, String field) {
        return source.schema().field(field) == null ? null : number(source.get(field));
    }

    private static Long number(Object value) {
        return value instanceof Number number ? (Long) number.longValue() : null;
    }
}
