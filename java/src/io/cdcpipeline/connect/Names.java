package io.cdcpipeline.connect;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Names of fields for names of columns. */
final class Names {
    /** What the row gets beside its columns: by us, by ExtractNewRecordState, by the archive. */
    private static final Set<String> OURS = Set.of(
            Rows.TEXT, Rows.UNSENT, Rows.CUT, Rows.COMMIT_ORDER, "__deleted", "__op", "__lsn", "__txId", "__ts_us",
            "__source_ts_us", "__partition", "__offset");

    private Names() {}

    /**
     * PostgreSQL's name wherever Avro allows it. Otherwise each character that Avro does not is an underscore, as in
     * Debezium's mode `avro`; underscores at the end make it unique, and tell it from the names that are ours.
     */
    static List<String> of(List<String> columns) {
        Set<String> taken = new HashSet<>(OURS);
        columns.stream().filter(name -> isValid(name)).forEach(taken::add);
        List<String> names = new ArrayList<>();
        for (String column : columns) {
            String name = column;
            if (!isValid(column) || OURS.contains(column)) {
                name = adjusted(column);
                while (!taken.add(name)) {
                    name += "_";
                }
            }
            names.add(name);
        }
        return names;
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
