package io.cdcpipeline.connect;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/** Bytes that values take in Avro, where every one may be null: at most, which is quick, and nearly exactly. */
final class Sizes {
    /** Of a number, or of a length and the branch of a union: at most. */
    private static final int SMALL = 12;
    /** Of an object on the heap, with the array that it has. */
    private static final int OBJECT = 40;
    private static final int REFERENCE = 8;
    /** The branch of a union. */
    private static final int BRANCH = 1;

    private Sizes() {}

    static long most(Object value) {
        return switch (value) {
            case String text -> 3L * text.length() + SMALL;
            case Number number when !(number instanceof BigDecimal) -> SMALL;
            default -> of(value);
        };
    }

    /** A byte more than Avro needs for each value that may not be null. */
    static long of(Object value) {
        return switch (value) {
            case null -> BRANCH;
            case String text -> withLength(utf8(text));
            case ByteBuffer buffer -> withLength(buffer.remaining());
            case byte[] bytes -> withLength(bytes.length);
            case BigDecimal number -> withLength(number.unscaledValue().bitLength() / 8 + 1);
            case Boolean truth -> BRANCH + 1;
            case Float number -> BRANCH + Float.BYTES;
            case Double number -> BRANCH + Double.BYTES;
            case Number number -> BRANCH + whole(number.longValue());
            case List<?> list -> {
                long size = block(list.size());
                for (Object element : list) {
                    size += of(element);
                }
                yield size;
            }
            case Map<?, ?> map -> {
                long size = block(map.size());
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    size += of(entry.getKey()) + of(entry.getValue());
                }
                yield size;
            }
            case Struct struct -> {
                long size = BRANCH;
                for (Field field : struct.schema().fields()) {
                    size += of(struct.get(field));
                }
                yield size;
            }
            default -> SMALL;
        };
    }

    /** Bytes that a value takes on the heap, nearly: texts as if none of their characters had only one byte. */
    static long inMemory(Object value) {
        return switch (value) {
            case null -> 0;
            case String text -> OBJECT + 2L * text.length();
            case ByteBuffer buffer -> OBJECT + buffer.capacity();
            case byte[] bytes -> OBJECT + bytes.length;
            case BigDecimal number -> 2 * OBJECT + number.unscaledValue().bitLength() / 8;
            case List<?> list -> {
                long size = OBJECT;
                for (Object element : list) {
                    size += REFERENCE + inMemory(element);
                }
                yield size;
            }
            case Map<?, ?> map -> {
                long size = OBJECT;
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    size += OBJECT + inMemory(entry.getKey()) + inMemory(entry.getValue());
                }
                yield size;
            }
            case Struct struct -> {
                long size = OBJECT;
                for (Field field : struct.schema().fields()) {
                    size += REFERENCE + inMemory(struct.get(field));
                }
                yield size;
            }
            default -> OBJECT;
        };
    }

    private static long withLength(long bytes) {
        return BRANCH + whole(bytes) + bytes;
    }

    /** What a list or a map takes beside its elements: their number, and the end. */
    private static long block(int elements) {
        return BRANCH + (elements == 0 ? 0 : whole(elements)) + 1;
    }

    /** A whole number: seven bits a byte, the sign in the lowest bit. */
    private static int whole(long number) {
        long bits = (number << 1) ^ (number >> 63);
        return (Long.SIZE - Long.numberOfLeadingZeros(bits | 1) + 6) / 7;
    }

    private static long utf8(String text) {
        long bytes = 0;
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            // Two surrogates make four bytes.
            bytes += character < 0x80 ? 1 : character < 0x800 || Character.isSurrogate(character) ? 2 : 3;
        }
        return bytes;
    }
}
