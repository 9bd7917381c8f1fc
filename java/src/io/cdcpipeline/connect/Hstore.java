package io.cdcpipeline.connect;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** hstore as a JSON object of texts and nulls, in PostgreSQL's order of keys. */
final class Hstore {
    private Hstore() {}

    static Value value(Object sent) throws SQLException {
        if (sent instanceof Map<?, ?> map) {
            return Value.of(json(sorted(map)), map);
        }
        String text = PgText.of(sent);
        return Value.of(json(parsed(text)), text);
    }

    /** PostgreSQL's text of a snapshot's map. */
    static String text(Map<?, ?> map) {
        StringBuilder text = new StringBuilder();
        sorted(map).forEach((key, value) -> {
            text.append(text.isEmpty() ? "" : ", ");
            quoted(text, key).append("=>");
            if (value == null) {
                text.append("NULL");
            } else {
                quoted(text, value);
            }
        });
        return text.toString();
    }

    /** Shorter keys come first, equally long ones by their bytes. */
    private static Map<String, String> sorted(Map<?, ?> map) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        Comparator<byte[]> order = Comparator.<byte[]>comparingInt(key -> key.length).thenComparing(Arrays::compareUnsigned);
        entries.sort(Comparator.comparing(entry -> ((String) entry.getKey()).getBytes(StandardCharsets.UTF_8), order));
        Map<String, String> result = new LinkedHashMap<>();
        entries.forEach(entry -> result.put((String) entry.getKey(), (String) entry.getValue()));
        return result;
    }

    /** Of `"a"=>"1", "b"=>NULL`, where `\` escapes. */
    static Map<String, String> parsed(String text) {
        Map<String, String> result = new LinkedHashMap<>();
        int[] at = {0};
        while (at[0] < text.length()) {
            String key = string(text, at);
            if (!text.startsWith("=>", at[0])) {
                throw new IllegalArgumentException("no hstore");
            }
            at[0] += 2;
            if (text.startsWith("NULL", at[0])) {
                at[0] += 4;
                result.put(key, null);
            } else {
                result.put(key, string(text, at));
            }
            at[0] += 2; // ", "
        }
        return result;
    }

    private static String string(String text, int[] at) {
        if (text.charAt(at[0]) != '"') {
            throw new IllegalArgumentException("no hstore");
        }
        StringBuilder string = new StringBuilder();
        int i = at[0] + 1;
        for (char character = text.charAt(i); character != '"'; character = text.charAt(++i)) {
            string.append(character == '\\' ? text.charAt(++i) : character);
        }
        at[0] = i + 1;
        return string.toString();
    }

    private static StringBuilder quoted(StringBuilder text, String string) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char character = string.charAt(i);
            if (character == '"' || character == '\\') {
                text.append('\\');
            }
            text.append(character);
        }
        return text.append('"');
    }

    private static String json(Map<String, String> map) {
        StringBuilder text = new StringBuilder("{");
        map.forEach((key, value) -> {
            text.append(text.length() > 1 ? "," : "");
            jsonString(text, key).append(':');
            if (value == null) {
                text.append("null");
            } else {
                jsonString(text, value);
            }
        });
        return text.append('}').toString();
    }

    private static StringBuilder jsonString(StringBuilder text, String string) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char character = string.charAt(i);
            switch (character) {
                case '"', '\\' -> text.append('\\').append(character);
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\b' -> text.append("\\b");
                case '\f' -> text.append("\\f");
                default -> {
                    if (character < 0x20) {
                        text.append(String.format("\\u%04X", (int) character));
                    } else {
                        text.append(character);
                    }
                }
            }
        }
        return text.append('"');
    }
}
