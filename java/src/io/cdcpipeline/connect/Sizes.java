package io.cdcpipeline.connect;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/** Bytes that values take in Avro: at most, which is quick, and nearly exactly. */
final class Sizes {
    /** Of a number, or a length and the branch of a union. */
    private static final int SMALL = 12;

    private Sizes() {}

    static long most(Object value) {
        return value instanceof String text ? 3L * text.length() + SMALL : of(value);
    }

    static long of(Object value) {
        return switch (value) {
            case null -> 1;
            case String text -> utf8(text) + SMALL;
            case ByteBuffer buffer -> buffer.remaining() + SMALL;
            case byte[] bytes -> bytes.length + SMALL;
            case BigDecimal number -> number.unscaledValue().bitLength() / 8 + SMALL;
            case List<?> list -> {
                long size = SMALL;
                for (Object element : list) {
                    size += of(element);
                }
                yield size;
            }
            case Map<?, ?> map -> {
                long size = SMALL;
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    size += of(entry.getKey()) + of(entry.getValue());
                }
                yield size;
            }
            case Struct struct -> {
                long size = SMALL;
                for (Field field : struct.schema().fields()) {
                    size += of(struct.get(field));
                }
                yield size;
            }
            default -> SMALL;
        };
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
