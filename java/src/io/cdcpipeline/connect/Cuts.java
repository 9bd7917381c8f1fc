package io.cdcpipeline.connect;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;

/** The columns of one row that it does not carry, with size and SHA-256 of what they hold in PostgreSQL. */
final class Cuts {
    private static final Schema ENTRY = SchemaBuilder.struct()
            .name("io.cdcpipeline.connect.Cut")
            .field("bytes", Schema.INT64_SCHEMA)
            .field("sha256", Schema.STRING_SCHEMA)
            .build();
    static final Schema SCHEMA = SchemaBuilder.map(Schema.STRING_SCHEMA, ENTRY).optional().defaultValue(null).build();

    /** Of an entry beside its name: the hash in hexadecimal, the number of bytes, and lengths. */
    private static final int ENTRY_BYTES = 64 + 12;

    private final Map<String, Struct> entries = new LinkedHashMap<>();

    /**
     * A value that is too large.
     *
     * @param source its bytes or what {@link PgText} reads its text from.
     */
    void add(String field, Object source) {
        try {
            byte[] bytes = source instanceof ByteBuffer buffer
                    ? bytes(buffer)
                    : PgText.of(source).getBytes(StandardCharsets.UTF_8);
            put(field, bytes.length, HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
        } catch (SQLException | RuntimeException error) {
            lost(field);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    /** A value that could not be read. */
    void lost(String field) {
        put(field, -1, "");
    }

    /** Bytes that the entry of a field takes. */
    static long size(String field) {
        return Sizes.of(field) + ENTRY_BYTES;
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    Map<String, Struct> toMap() {
        return entries;
    }

    private void put(String field, long bytes, String sha256) {
        entries.put(field, new Struct(ENTRY).put("bytes", bytes).put("sha256", sha256));
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }
}
