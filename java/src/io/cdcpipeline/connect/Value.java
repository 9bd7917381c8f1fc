package io.cdcpipeline.connect;

import java.util.AbstractList;
import java.util.Collections;
import java.util.Iterator;
import java.util.Objects;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * One value on its way from the converter to the transformation: what its column holds, or why it holds nothing.
 *
 * <p>Connect checks that a value fits the schema of its column. An empty list fits every array, so a column of type T is
 * declared as an array of T on this way, and all that is known of the value rides along unseen.
 *
 * <p>Debezium bounds its queue by bytes (`max.queue.size.in.bytes`), for which it goes through the elements of arrays: 8 bytes
 * for each that is null, which every T may be. So there are as many, for whoever goes through them, as make up the value's size.
 */
final class Value extends AbstractList<Object> {
    /** Name of such an array's schema. */
    static final String SCHEMA = "io.cdcpipeline.connect.Value";
    /** Its parameter that says that the column is required in a key. */
    static final String REQUIRED = "required";

    /** PostgreSQL did not send the value. */
    static final Value UNSENT = new Value(null, null);
    private static final Object LOST = new Object();

    /** What Debezium counts for a null in an array of anything but numbers, of which it counts more. */
    private static final int BYTES_OF_NULL = 8;
    /** What it counts for an array without elements is enough for most values, and takes no time. */
    private static final int BYTES_OF_ARRAY = 200;

    private final Object exact;
    private final Object source;
    /** Nulls that make up the value's size; -1 until somebody asks. */
    private int nulls = -1;

    private Value(Object exact, Object source) {
        this.exact = exact;
        this.source = source;
    }

    /** The value itself, whose text is its own. */
    static Value of(Object exact) {
        return new Value(exact, exact);
    }

    /** The value itself, and what {@link PgText} reads its text from. */
    static Value of(Object exact, Object source) {
        return new Value(exact, source);
    }

    /** A value that its column's type cannot hold. */
    static Value beside(String text) {
        return new Value(null, text);
    }

    /** A value that could not be read, not even as text. Each is another one, so that no two rows are taken for the same. */
    static Value lost() {
        return new Value(null, LOST);
    }

    /** How a column of type `type` is declared on the way. */
    static SchemaBuilder schema(Schema type, boolean required) {
        return SchemaBuilder.array(type).name(SCHEMA).optional().parameter(REQUIRED, Boolean.toString(required));
    }

    boolean isLost() {
        return source == LOST;
    }

    static boolean isSchema(Schema schema) {
        return SCHEMA.equals(schema.name());
    }

    /** What the column holds; null if it cannot. */
    Object exact() {
        return exact;
    }

    /** PostgreSQL's text, or the bytes of a bytea. */
    Object source() {
        return source;
    }

    /** Bytes that it takes in memory, nearly. */
    private long bytes() {
        long other = source == exact || source == LOST ? 0 : Sizes.inMemory(source);
        return Sizes.inMemory(exact) + other;
    }

    @Override
    public Iterator<Object> iterator() {
        if (nulls < 0) {
            long bytes = bytes();
            nulls = bytes < BYTES_OF_ARRAY ? 0 : (int) Math.min(Integer.MAX_VALUE, bytes / BYTES_OF_NULL);
        }
        return Collections.nCopies(nulls, null).iterator();
    }

    /** Not what it holds, which is nobody's business in a log, nor its many nulls. */
    @Override
    public String toString() {
        return "Value";
    }

    @Override
    public Object get(int index) {
        throw new IndexOutOfBoundsException(index);
    }

    @Override
    public int size() {
        return 0;
    }

    // Debezium compares keys to see whether a row has moved, and looks rows of a snapshot up by them.
    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof Value value
                        && this != UNSENT && value != UNSENT && !isLost() && !value.isLost()
                        && Objects.equals(exact, value.exact)
                        && (exact != null || Objects.equals(source, value.source));
    }

    @Override
    public int hashCode() {
        return exact != null ? exact.hashCode() : Objects.hashCode(source);
    }
}
