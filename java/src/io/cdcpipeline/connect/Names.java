package io.cdcpipeline.connect;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** Names of fields for names of columns. */
final class Names {
    /** What the row gets beside its columns: by us, by the archive. */
    private static final Set<String> OURS = Set.of(
            Rows.TEXT, Rows.UNSENT, Rows.CUT, Rows.COMMIT_ORDER, Rows.DELETED, Rows.OPERATION, Rows.LSN, Rows.TRANSACTION, Rows.TIME,
            Rows.SOURCE_TIME, "__partition", "__offset");

    private static final Set<String> RESERVED = OURS.stream().map(Names::folded).collect(Collectors.toUnmodifiableSet());

    private Names() {}

    /**
     * PostgreSQL's name wherever Avro allows it. Otherwise each character that Avro does not is an underscore, as in
     * Debezium's mode `avro`; underscores at the end make it unique, and tell it from the names that are ours. Names that
     * differ by case alone are not unique: Parquet's readers take them for one.
     */
    static List<String> of(List<String> columns) {
        Set<String> taken = new HashSet<>(RESERVED);
        List<String> names = new ArrayList<>();
        for (String column : columns) {
            names.add(isValid(column) && taken.add(folded(column)) ? column : null);
        }
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i) == null) {
                String name = adjusted(columns.get(i));
                while (!taken.add(folded(name))) {
                    name += "_";
                }
                names.set(i, name);
            }
        }
        return names;
    }

    /**
     * The name of a schema that Avro takes. Debezium looks at the first character of the whole alone, but no part of it may
     * begin with a digit, as in public.1st, or be empty.
     */
    static String ofSchema(String name) {
        if (name == null) {
            return null;
        }
        StringBuilder result = new StringBuilder(name.length() + 1);
        for (String part : name.split("\\.", -1)) {
            boolean wrong = part.isEmpty() || part.charAt(0) >= '0' && part.charAt(0) <= '9';
            result.append(result.isEmpty() ? "" : ".").append(wrong ? "_" : "").append(part);
        }
        return result.toString();
    }

    private static String folded(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    private static boolean isValid(String name) {
        return name.equals(adjusted(name));
    }

    private static String adjusted(String column) {
        StringBuilder name = new StringBuilder(column.length() + 1);
        for (int i = 0; i < column.length(); i++) {
            char character = column.charAt(i);
            boolean digit = character >= '0' && character <= '9';
            boolean letter = character >= 'a' && character <= 'z' || character >= 'A' && character <= 'Z' || character == '_';
            name.append(digit && i == 0 ? "_" : "").append(letter || digit ? character : '_');
        }
        return name.toString();
    }
}
