package io.cdcpipeline.connect;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes of a change, whose values {@link PgConverter} has filled, the row that is written: columns without defaults; beside
 * them what they could not hold, what was not sent, and what is too large; and what the change was. It takes the place of
 * ExtractNewRecordState, so that a row is copied and checked once, not three times. It passes on records that are not changes
 * of rows, and never throws because of a row.
 */
public final class Lossless implements Transformation<SourceRecord>, Versioned {
    private static final String MAX_BYTES = "max.bytes";
    private static final String UNKEYED = "unkeyed";
    private static final ConfigDef CONFIG = new ConfigDef()
            .define(MAX_BYTES, ConfigDef.Type.LONG, 1_000_000L, ConfigDef.Range.atLeast(1_000), ConfigDef.Importance.HIGH,
                    "Most bytes of a record. Of a larger one, the largest columns are null, and named with their size and"
                    + " SHA-256 in __cut.")
            .define(UNKEYED, ConfigDef.Type.STRING, "", ConfigDef.Importance.MEDIUM,
                    "A regular expression of tables, as schema.table, whose records get no key, since what Debezium takes for"
                    + " one does not tell their rows apart: a unique index that is partial, or in which columns may be null."
                    + " It is no list, since a name may have commas.");
    /** A connector keeps one schema for a table until the table changes. */
    private static final int MOST_PLANS = 4096;
    private static final Logger LOG = LoggerFactory.getLogger(Lossless.class);

    private final Map<Schema, Plan> plans = new IdentityHashMap<>();
    private final CommitOrder commitOrder = new CommitOrder();
    private final CutRows cutRows = new CutRows(System::nanoTime, LOG::warn);
    private long mostBytes;
    private Pattern unkeyed = Pattern.compile("(?!)");

    /** What is done with the changes of one table, as one schema declares them. */
    private static final class Plan {
        final Field operation;
        final Field before;
        final Field after;
        final Field time;
        final Field source;
        final Field lsn;
        final Field transaction;
        final Field sourceTime;
        final Rows rows;
        final Schema keySchema;
        final Rows keys;

        Plan(Schema schema, Schema key) {
            operation = schema.field("op");
            before = schema.field("before");
            after = schema.field("after");
            time = schema.field("ts_us");
            source = schema.field("source");
            lsn = source.schema().field("lsn");
            transaction = source.schema().field("txId");
            sourceTime = source.schema().field("ts_us");
            rows = Rows.ofTable(after.schema(), key);
            keySchema = key;
            keys = key == null ? null : rows.keys(key);
        }
    }

    @Override
    public void configure(Map<String, ?> settings) {
        Map<String, Object> parsed = CONFIG.parse(settings);
        mostBytes = (Long) parsed.get(MAX_BYTES);
        String tables = (String) parsed.get(UNKEYED);
        unkeyed = Pattern.compile(tables.isEmpty() ? "(?!)" : tables, Pattern.DOTALL);
    }

    @Override
    public ConfigDef config() {
        return CONFIG;
    }

    @Override
    public String version() {
        return "1";
    }

    @Override
    public void close() {
        plans.clear();
    }

    @Override
    public SourceRecord apply(SourceRecord record) {
        Schema schema = record.valueSchema();
        if (!(record.value() instanceof Struct change) || !plans.containsKey(schema) && !isChange(schema)) {
            return record;
        }
        boolean keyed = !unkeyed.matcher(table(change)).matches();
        Plan plan = plan(schema, keyed ? record.keySchema() : null);
        Object key = keyed ? record.key() : null;
        Schema keySchema = keyed ? record.keySchema() : null;
        if (key instanceof Struct struct && plan.keys != null) {
            Struct found = plan.keys.row(struct, false, 0);
            boolean whole = isWhole(found);
            key = whole ? found : null;
            keySchema = whole ? plan.keys.schema : null;
        }
        return record.newRecord(record.topic(), record.kafkaPartition(), keySchema, key, plan.rows.schema,
                changed(record, change, plan), record.timestamp(), record.headers());
    }

    private static String table(Struct change) {
        Struct source = change.getStruct("source");
        boolean named = source.schema().field("schema") != null && source.schema().field("table") != null;
        return named ? source.get("schema") + "." + source.get("table") : "";
    }

    /** Whether no part is missing that may not be: an identity by an index sends the columns of that index alone. */
    private static boolean isWhole(Struct key) {
        for (Field field : key.schema().fields()) {
            if (key.get(field) == null && !field.schema().isOptional()) {
                return false;
            }
        }
        return true;
    }

    private static boolean isChange(Schema schema) {
        return schema.field("op") != null && schema.field("before") != null && schema.field("after") != null
                && schema.field("source") != null;
    }

    private Plan plan(Schema schema, Schema key) {
        Plan plan = plans.get(schema);
        // A truncation has no key; the changes after it do.
        if (plan == null || key != null && plan.keySchema != key) {
            if (plans.size() >= MOST_PLANS) {
                plans.clear();
            }
            plan = new Plan(schema, key);
            plans.put(schema, plan);
        }
        return plan;
    }

    private Struct changed(SourceRecord record, Struct change, Plan plan) {
        String operation = (String) change.get(plan.operation);
        Struct source = (Struct) change.get(plan.source);
        Struct before = (Struct) change.get(plan.before);
        Struct after = (Struct) change.get(plan.after);
        Struct row;
        if (after != null) {
            row = row(plan, after, false, source);
        } else {
            row = before != null ? row(plan, before, "d".equals(operation), source) : new Struct(plan.rows.schema);
        }
        row.put(plan.rows.commitOrder, commitOrder.of(record, operation, source));
        row.put(plan.rows.deleted, after == null ? "true" : "false");
        row.put(plan.rows.operation, operation);
        row.put(plan.rows.lsn, lsn(record, source, plan));
        row.put(plan.rows.transaction, value(source, plan.transaction));
        row.put(plan.rows.time, value(change, plan.time));
        return row.put(plan.rows.sourceTime, value(source, plan.sourceTime));
    }

    /** Rows of an incremental snapshot do not say where in the stream they were read, but their offset does. */
    private static Object lsn(SourceRecord record, Struct source, Plan plan) {
        Object own = value(source, plan.lsn);
        Object offset = own == null && record.sourceOffset() != null ? record.sourceOffset().get("lsn") : null;
        return offset instanceof Long lsn ? lsn : own;
    }

    private static Object value(Struct struct, Field field) {
        return field == null ? null : struct.get(field);
    }

    private Struct row(Plan plan, Struct row, boolean deleted, Struct source) {
        Struct result;
        try {
            result = plan.rows.row(row, deleted, mostBytes);
        } catch (RuntimeException error) {
            LOG.error("A row of {} at LSN {} is reduced to its key", plan.rows.schema.name(), value(source, plan.lsn), error);
            result = plan.rows.lostRow(row);
        }
        cutRows.note(plan.rows.schema.name(), result.getMap(Rows.CUT), source);
        return result;
    }
}
