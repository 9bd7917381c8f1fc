package io.cdcpipeline.connect;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rows of one table, or its keys, as one schema of the connector declares them: which schema they get, and how. Made once for
 * a schema; what can be decided by it is decided then.
 */
final class Rows {
    static final String TEXT = "__text";
    static final String UNSENT = "__unsent";
    static final String CUT = "__cut";
    static final String COMMIT_ORDER = "__commit_order";
    static final String DELETED = "__deleted";
    static final String OPERATION = "__op";
    static final String LSN = "__lsn";
    static final String TRANSACTION = "__txId";
    static final String TIME = "__ts_us";
    static final String SOURCE_TIME = "__source_ts_us";
    /** Parameter of a field with another name than its column. */
    static final String COLUMN = "cdc.column";

    private static final Schema TEXTS =
            SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).optional().defaultValue(null).build();
    private static final Schema NAMES = SchemaBuilder.array(Schema.STRING_SCHEMA).optional().defaultValue(null).build();
    private static final Schema WORD = SchemaBuilder.string().optional().defaultValue(null).build();
    private static final Schema NUMBER = SchemaBuilder.int64().optional().defaultValue(null).build();
    private static final Logger LOG = LoggerFactory.getLogger(Rows.class);

    final Schema schema;
    final Field commitOrder;
    final Field deleted;
    final Field operation;
    final Field lsn;
    final Field transaction;
    final Field time;
    final Field sourceTime;
    private final Field[] from;
    private final Field[] to;
    private final boolean[] carried;
    private final boolean[] inKey;
    private final boolean deletesAreNamed;
    private final Field text;
    private final Field unsent;
    private final Field cut;

    private Rows(Schema source, List<String> names, Set<String> key, boolean isKey) {
        int size = source.fields().size();
        from = source.fields().toArray(new Field[0]);
        to = new Field[size];
        carried = new boolean[size];
        inKey = new boolean[size];
        SchemaBuilder builder = SchemaBuilder.struct().name(Names.ofSchema(source.name())).version(source.version()).doc(source.doc());
        if (isKey && source.isOptional()) {
            builder.optional();
        }
        boolean somethingBeside = false;
        Map<String, String> parameters = new LinkedHashMap<>();
        if (source.parameters() != null) {
            parameters.putAll(source.parameters());
        }
        for (int i = 0; i < size; i++) {
            Schema declared = from[i].schema();
            carried[i] = Value.isSchema(declared);
            inKey[i] = key.contains(from[i].name());
            boolean required = isKey && (carried[i]
                    ? Boolean.parseBoolean(declared.parameters().get(Value.REQUIRED))
                    : !declared.isOptional());
            somethingBeside |= carried[i] && !required;
            String column = names.get(i).equals(from[i].name()) ? null : from[i].name();
            Schema type = carried[i] ? declared.valueSchema() : declared;
            if (type.type() == Schema.Type.STRUCT && column != null) {
                // Avro declares a record once for all columns, so that it cannot say which column this is.
                parameters.put(COLUMN + "." + names.get(i), column);
            }
            builder.field(names.get(i), plain(type, declared.doc(), !required, column));
        }
        if (!parameters.isEmpty()) {
            builder.parameters(parameters);
        }
        if (!isKey || somethingBeside) {
            builder.field(TEXT, TEXTS);
        }
        if (!isKey) {
            builder.field(UNSENT, NAMES).field(CUT, Cuts.SCHEMA).field(COMMIT_ORDER, NUMBER).field(DELETED, WORD)
                    .field(OPERATION, WORD).field(LSN, NUMBER).field(TRANSACTION, NUMBER).field(TIME, NUMBER)
                    .field(SOURCE_TIME, NUMBER);
        }
        schema = builder.build();
        for (int i = 0; i < size; i++) {
            to[i] = schema.field(names.get(i));
        }
        text = schema.field(TEXT);
        unsent = schema.field(UNSENT);
        cut = schema.field(CUT);
        commitOrder = schema.field(COMMIT_ORDER);
        deleted = schema.field(DELETED);
        operation = schema.field(OPERATION);
        lsn = schema.field(LSN);
        transaction = schema.field(TRANSACTION);
        time = schema.field(TIME);
        sourceTime = schema.field(SOURCE_TIME);
        deletesAreNamed = !key.isEmpty() && key.size() < size;
    }

    /** Rows of a table, whose key (if it has one) has the columns of `key`. */
    static Rows ofTable(Schema source, Schema key) {
        return new Rows(source, Names.of(columns(source)), key == null ? Set.of() : new HashSet<>(columns(key)), false);
    }

    /** Keys, with the names of the table's fields. */
    Rows keys(Schema key) {
        Map<String, String> names = new HashMap<>();
        for (int i = 0; i < from.length; i++) {
            names.put(from[i].name(), to[i].name());
        }
        List<String> columns = columns(key);
        return new Rows(key, columns.stream().map(column -> names.getOrDefault(column, column)).toList(), Set.of(), true);
    }

    private static List<String> columns(Schema schema) {
        return schema.fields().stream().map(Field::name).toList();
    }

    /**
     * One row.
     *
     * @param deleted whether it is what PostgreSQL says of a deleted one: without full identity, its key.
     * @param most bytes that it may have; 0 for any number.
     */
    Struct row(Struct source, boolean deleted, long most) {
        Struct row = new Struct(schema);
        Map<String, String> texts = null;
        List<String> names = null;
        Cuts cuts = null;
        boolean othersSent = false;
        long size = 0;
        for (int i = 0; i < from.length; i++) {
            Object found = source.get(from[i]);
            if (found == null) {
                continue;
            }
            String name = to[i].name();
            Object exact = found;
            if (carried[i]) {
                Value value = (Value) found;
                exact = value.exact();
                if (value == Value.UNSENT) {
                    names = names == null ? new ArrayList<>() : names;
                    names.add(name);
                    size += Sizes.most(name);
                    continue;
                }
                if (value.isLost()) {
                    cuts = cuts == null ? new Cuts() : cuts;
                    cuts.lost(name);
                    size += Cuts.size(name);
                    continue;
                }
                if (exact == null) {
                    texts = texts == null ? new LinkedHashMap<>() : texts;
                    texts.put(name, (String) value.source());
                    size += Sizes.most(name) + Sizes.most(value.source());
                    othersSent |= !inKey[i];
                    continue;
                }
            }
            try {
                row.put(to[i], exact);
            } catch (RuntimeException error) {
                LOG.error("{}: the value of {} is lost: {}", schema.name(), name, error.toString());
                cuts = cuts == null ? new Cuts() : cuts;
                cuts.lost(name);
                continue;
            }
            size += inKey[i] ? 2 * Sizes.most(exact) : Sizes.most(exact);
            othersSent |= !inKey[i];
        }
        if (deleted && !othersSent && deletesAreNamed) {
            names = othersThanKey();
        }
        if (most > 0 && size > most) {
            cuts = cuts == null ? new Cuts() : cuts;
            cut(source, row, texts, names, cuts, most);
        }
        if (texts != null && !texts.isEmpty() && text != null) {
            row.put(text, texts);
        }
        if (names != null && unsent != null) {
            row.put(unsent, names);
        }
        if (cuts != null && !cuts.isEmpty() && cut != null) {
            row.put(cut, cuts.toMap());
        }
        return row;
    }

    /** A row of which nothing can be had but its key. */
    Struct lostRow(Struct source) {
        Struct row = new Struct(schema);
        Cuts cuts = new Cuts();
        for (int i = 0; i < from.length; i++) {
            if (!inKey[i]) {
                cuts.lost(to[i].name());
            } else if (source != null && source.get(from[i]) instanceof Object found) {
                row.put(to[i], found instanceof Value value ? value.exact() : found);
            }
        }
        return row.put(cut, cuts.toMap());
    }

    private List<String> othersThanKey() {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < to.length; i++) {
            if (!inKey[i]) {
                names.add(to[i].name());
            }
        }
        return names;
    }

    /** Takes the largest columns away until the row fits, never one of the key. */
    private void cut(Struct source, Struct row, Map<String, String> texts, List<String> names, Cuts cuts, long most) {
        record Candidate(int column, long bytes) {}
        List<Candidate> candidates = new ArrayList<>();
        long size = cuts.toMap().keySet().stream().mapToLong(Cuts::size).sum();
        size += names == null ? 0 : Sizes.of(names);
        for (int i = 0; i < to.length; i++) {
            Object held = row.get(to[i]);
            long named = 0;
            if (held == null && texts != null) {
                held = texts.get(to[i].name());
                named = held == null ? 0 : Sizes.of(to[i].name());
            }
            if (held != null) {
                long bytes = named + Sizes.of(held);
                size += inKey[i] ? 2 * bytes : bytes;
                // To name a small one takes more than it does.
                if (!inKey[i] && bytes > Cuts.size(to[i].name())) {
                    candidates.add(new Candidate(i, bytes));
                }
            }
        }
        candidates.sort((one, other) -> Long.compare(other.bytes, one.bytes));
        for (Candidate candidate : candidates) {
            if (size <= most) {
                break;
            }
            Field field = to[candidate.column];
            Object found = source.get(from[candidate.column]);
            cuts.add(field.name(), found instanceof Value value ? value.source() : found);
            row.put(field, null);
            if (texts != null) {
                texts.remove(field.name());
            }
            size -= candidate.bytes - Cuts.size(field.name());
        }
    }

    /** The type without a default of the column, which would be read where the row has null. */
    private static Schema plain(Schema type, String doc, boolean optional, String column) {
        if (type.type() == Schema.Type.STRUCT) {
            return type;
        }
        SchemaBuilder builder = switch (type.type()) {
            case ARRAY -> SchemaBuilder.array(type.valueSchema());
            case MAP -> SchemaBuilder.map(type.keySchema(), type.valueSchema());
            default -> new SchemaBuilder(type.type());
        };
        builder.name(type.name()).version(type.version()).doc(doc);
        if (type.parameters() != null) {
            builder.parameters(type.parameters());
        }
        if (column != null) {
            builder.parameter(COLUMN, column);
        }
        return optional ? builder.optional().defaultValue(null).build() : builder.build();
    }
}
