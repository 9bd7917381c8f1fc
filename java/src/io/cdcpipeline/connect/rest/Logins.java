package io.cdcpipeline.connect.rest;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.common.config.ConfigException;

/**
 * Users, their passwords and rights, from a file of properties: {@code reader.NAME=PASSWORD} or {@code writer.NAME=PASSWORD}.
 * A second file of this form, of people, is read at each request that none of the first file's users makes, so that they come
 * and go while the worker runs.
 */
final class Logins {
    /** A writer may read, too. */
    enum Right { READER, WRITER }

    /** Who has signed in. */
    record User(String name, Right right) { }

    private record Known(User user, byte[] digest) { }

    private static final String BASIC = "Basic ";
    /** What the password of a user who is not known is compared with, so that the answer takes as long. */
    private static final byte[] NOBODY = new byte[32];

    private final Map<String, Known> known;
    private final Path people;

    /**
     * @param people the file of people; null for none. It need not be there.
     * @throws ConfigException the file cannot be read, or is not as described; never with what is in it.
     */
    Logins(Path file, Path people) {
        this.people = people;
        try {
            known = read(file);
        } catch (IOException | IllegalArgumentException error) {
            throw new ConfigException(Access.FILE + ": cannot read the logins in " + file + ": " + error.getClass().getSimpleName()
                    + "; it must be a file of properties that the worker may read");
        }
        if (known.isEmpty()) {
            throw new ConfigException(Access.FILE + ": " + file + " holds no login, so that nobody could sign in");
        }
    }

    private static Map<String, Known> read(Path file) throws IOException {
        Properties lines = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            lines.load(reader);
        }
        Map<String, Known> found = new HashMap<>();
        for (String line : lines.stringPropertyNames()) {
            int dot = line.indexOf('.');
            String name = line.substring(dot + 1);
            String password = lines.getProperty(line);
            Optional<Right> right = right(line.substring(0, Math.max(dot, 0)));
            if (right.isEmpty() || name.isEmpty() || name.contains(":") || password.isEmpty()) {
                throw new ConfigException(Access.FILE + ": in " + file + " each line must be reader.NAME=PASSWORD or "
                        + "writer.NAME=PASSWORD, without : in a name and with no password empty");
            }
            if (found.put(name, new Known(new User(name, right.get()), digest(password))) != null) {
                throw new ConfigException(Access.FILE + ": in " + file + " the user " + name + " has two lines");
            }
        }
        return found;
    }

    /**
     * Who signs in.
     *
     * @param header of a request, {@code Authorization}; null where there is none.
     */
    Optional<User> signedIn(String header) {
        if (header == null || !header.regionMatches(true, 0, BASIC, 0, BASIC.length())) {
            return Optional.empty();
        }
        String login;
        try {
            login = new String(Base64.getDecoder().decode(header.substring(BASIC.length()).trim()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException error) {
            return Optional.empty();
        }
        int colon = login.indexOf(':');
        if (colon < 0) {
            return Optional.empty();
        }
        Known found = find(login.substring(0, colon));
        // Digests, so that the time does not tell the length of a password either.
        boolean same = MessageDigest.isEqual(digest(login.substring(colon + 1)), found == null ? NOBODY : found.digest());
        return same && found != null ? Optional.of(found.user()) : Optional.empty();
    }

    private Known find(String name) {
        Known found = known.get(name);
        if (found != null || people == null) {
            return found;
        }
        try {
            return read(people).get(name);
        } catch (IOException | IllegalArgumentException | ConfigException error) {
            // Whoever cannot be looked up is nobody.
            return null;
        }
    }

    private static Optional<Right> right(String name) {
        return Arrays.stream(Right.values()).filter(right -> right.name().toLowerCase(Locale.ROOT).equals(name)).findFirst();
    }

    private static byte[] digest(String password) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(password.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }
}
