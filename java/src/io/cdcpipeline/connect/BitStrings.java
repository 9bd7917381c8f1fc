package io.cdcpipeline.connect;

import java.nio.ByteBuffer;
import java.sql.SQLException;

/** Strings of bits. */
final class BitStrings {
    private BitStrings() {}

    static Value flag(Object sent) throws SQLException {
        if (sent instanceof Boolean) {
            return Value.of(sent);
        }
        String text = PgText.of(sent);
        return switch (text) {
            case "0" -> Value.of(false);
            case "1" -> Value.of(true);
            default -> Value.beside(text);
        };
    }

    /** As Debezium has them: the last bit is the lowest one of the first byte. */
    static Value bytes(Object sent) throws SQLException {
        String text = PgText.of(sent);
        byte[] bytes = new byte[(text.length() + 7) / 8];
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(text.length() - 1 - i) == '1') {
                bytes[i / 8] |= (byte) (1 << (i % 8));
            }
        }
        return Value.of(ByteBuffer.wrap(bytes), text);
    }
}
