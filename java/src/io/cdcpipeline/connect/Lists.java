package io.cdcpipeline.connect;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Arrays from PostgreSQL's text. A list holds one dimension that begins at 1, of elements that their type holds; every other
 * array is beside its column.
 */
final class Lists {
    /**
     * How elements begin that PostgreSQL does not quote and does not part by commas: boxes, and PostGIS's shapes. A domain
     * over such a type parts them likewise.
     */
    private static final Pattern OTHERWISE_PARTED = Pattern.compile("\\(.*|[0-9A-F]+:.*");

    private Lists() {}

    /** Elements of a type of a user's, which are text. */
    static Type.Conversion ofUsers() {
        return sent -> {
            String text = PgText.of(sent);
            String inner = text.startsWith("{") ? text.substring(1) : "";
            return OTHERWISE_PARTED.matcher(inner).lookingAt() ? Value.beside(text) : of(element -> element).of(text);
        };
    }

    /** Elements that their type holds always. */
    static Type.Conversion of(Function<String, Object> element) {
        return ofValues(text -> Value.of(element.apply((String) text)));
    }

    static Type.Conversion ofValues(Type.Conversion element) {
        return sent -> {
            String text = PgText.of(sent);
            List<Object> list = list(text, element);
            return list == null ? Value.beside(text) : Value.of(list, text);
        };
    }

    /** Null for what is no list. */
    static List<Object> list(String text, Type.Conversion element) throws SQLException {
        if (text.isEmpty() || text.charAt(0) != '{') {
            // int2vector and oidvector have numbers and blanks; an array with other bounds begins with them.
            return text.startsWith("[") ? null : vector(text, element);
        }
        List<Object> list = new ArrayList<>();
        if (text.length() == 2) {
            return list;
        }
        int at = 1;
        while (true) {
            char first = text.charAt(at);
            if (first == '{') {
                return null;
            }
            String part;
            if (first == '"') {
                StringBuilder string = new StringBuilder();
                for (char next = text.charAt(++at); next != '"'; next = text.charAt(++at)) {
                    string.append(next == '\\' ? text.charAt(++at) : next);
                }
                at++;
                part = string.toString();
            } else {
                int from = at;
                while (text.charAt(at) != ',' && text.charAt(at) != '}') {
                    at++;
                }
                part = text.substring(from, at);
                part = part.equals("NULL") ? null : part;
            }
            Object exact = part == null ? null : element.of(part).exact();
            if (exact == null && part != null) {
                return null;
            }
            list.add(exact);
            if (text.charAt(at++) == '}') {
                return list;
            }
        }
    }

    private static List<Object> vector(String text, Type.Conversion element) throws SQLException {
        List<Object> list = new ArrayList<>();
        for (String number : text.split(" ")) {
            if (!number.isEmpty()) {
                list.add(element.of(number).exact());
            }
        }
        return list;
    }
}
