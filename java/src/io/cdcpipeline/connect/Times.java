package io.cdcpipeline.connect;

import io.debezium.connector.postgresql.PostgresValueConverter;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;

/** Dates and times. Infinity, 24:00 and what 64 bits of microseconds do not reach are beside their column. */
final class Times {
    private static final String INFINITY = "infinity";
    private static final String MINUS_INFINITY = "-infinity";
    private static final long SECONDS_PER_DAY = 86_400;
    private static final long MICROS_PER_DAY = SECONDS_PER_DAY * 1_000_000;

    private Times() {}

    static Value date(Object sent) {
        return switch (sent) {
            case String text -> text.endsWith(INFINITY) ? Value.beside(text) : Value.of((int) day(text, text.endsWith(" BC")));
            case LocalDate date when date.equals(PostgresValueConverter.POSITIVE_INFINITY_LOCAL_DATE) -> Value.beside(INFINITY);
            case LocalDate date when date.equals(PostgresValueConverter.NEGATIVE_INFINITY_LOCAL_DATE) -> Value.beside(MINUS_INFINITY);
            case LocalDate date -> Value.of(Math.toIntExact(date.toEpochDay()));
            default -> throw new IllegalArgumentException("a date came as " + sent.getClass().getName());
        };
    }

    static Value time(Object sent) {
        String text = (String) sent;
        long micros = clock(text, 0);
        return micros < MICROS_PER_DAY ? Value.of(micros) : Value.beside(text);
    }

    static Value timestamp(Object sent) {
        return timestamp(sent, 1_000_000);
    }

    static Value timestampMillis(Object sent) {
        return timestamp(sent, 1_000);
    }

    private static Value timestamp(Object sent, long unitsPerSecond) {
        if (sent instanceof String text) {
            return text.endsWith(INFINITY) ? Value.beside(text) : units(Moment.of(text), unitsPerSecond, text);
        }
        Instant instant = (Instant) sent;
        if (instant.equals(PostgresValueConverter.POSITIVE_INFINITY_INSTANT)) {
            return Value.beside(INFINITY);
        }
        if (instant.equals(PostgresValueConverter.NEGATIVE_INFINITY_INSTANT)) {
            return Value.beside(MINUS_INFINITY);
        }
        return units(new Moment(instant.getEpochSecond(), instant.getNano() / 1000), unitsPerSecond, null);
    }

    private static Value units(Moment moment, long unitsPerSecond, String text) {
        try {
            long whole = Math.multiplyExact(moment.seconds, unitsPerSecond);
            return Value.of(Math.addExact(whole, moment.micros * unitsPerSecond / 1_000_000));
        } catch (ArithmeticException tooLate) {
            return Value.beside(text != null ? text : moment.text());
        }
    }

    /** As Debezium writes it: in UTC, with as many digits as the column has. */
    static Value zoned(Object sent, int precision) {
        if (sent instanceof String text) {
            return text.endsWith(INFINITY) ? Value.beside(text) : Value.of(Moment.of(text).iso(precision));
        }
        OffsetDateTime time = (OffsetDateTime) sent;
        if (time.equals(PostgresValueConverter.POSITIVE_INFINITY_OFFSET_DATE_TIME)) {
            return Value.beside(INFINITY);
        }
        if (time.equals(PostgresValueConverter.NEGATIVE_INFINITY_OFFSET_DATE_TIME)) {
            return Value.beside(MINUS_INFINITY);
        }
        return Value.of(new Moment(time.toEpochSecond(), time.getNano() / 1000).iso(precision));
    }

    /** ISO 8601, which knows no infinity. */
    static Value interval(Object sent) throws SQLException {
        String text = PgText.of(sent);
        return text.endsWith(INFINITY) ? Value.beside(text) : Value.of(Span.of(text).iso());
    }

    /** Days since 1970 of a text that begins with a date, such as 2024-02-29. */
    private static long day(String text, boolean beforeChrist) {
        int dash = text.indexOf('-');
        int year = Integer.parseInt(text, 0, dash, 10);
        int month = two(text, dash + 1);
        return LocalDate.of(beforeChrist ? 1 - year : year, month, two(text, dash + 4)).toEpochDay();
    }

    /** Microseconds of hh:mm:ss with up to six more digits. */
    private static long clock(String text, int at) {
        long seconds = two(text, at) * 3600L + two(text, at + 3) * 60L + two(text, at + 6);
        long micros = 0;
        int next = at + 8;
        if (next < text.length() && text.charAt(next) == '.') {
            next++;
            for (int digit = 100_000; next < text.length() && isDigit(text.charAt(next)); digit /= 10) {
                micros += (long) (text.charAt(next++) - '0') * digit;
            }
        }
        return seconds * 1_000_000 + micros;
    }

    private static int two(String text, int at) {
        if (!isDigit(text.charAt(at)) || !isDigit(text.charAt(at + 1))) {
            throw new IllegalArgumentException("two digits are expected");
        }
        return (text.charAt(at) - '0') * 10 + text.charAt(at + 1) - '0';
    }

    private static boolean isDigit(char character) {
        return character >= '0' && character <= '9';
    }

    /** A point in time: seconds since 1970, and microseconds from 0 to 999,999. */
    private record Moment(long seconds, int micros) {
        /** Of PostgreSQL's ISO style: 2024-02-29 12:30:00.5+01:30 BC, with or without zone and era. */
        static Moment of(String text) {
            boolean beforeChrist = text.endsWith(" BC");
            int blank = text.indexOf(' ');
            long micros = Times.clock(text, blank + 1);
            int end = beforeChrist ? text.length() - 3 : text.length();
            int sign = blank + 9;
            while (sign < end && text.charAt(sign) != '+' && text.charAt(sign) != '-') {
                sign++;
            }
            long zone = 0;
            if (sign < end) {
                zone = two(text, sign + 1) * 3600L;
                zone += sign + 5 < end ? two(text, sign + 4) * 60L : 0;
                zone += sign + 8 < end ? two(text, sign + 7) : 0;
                zone = text.charAt(sign) == '-' ? -zone : zone;
            }
            long seconds = day(text, beforeChrist) * SECONDS_PER_DAY + micros / 1_000_000 - zone;
            return new Moment(seconds, (int) (micros % 1_000_000));
        }

        private LocalDate date() {
            return LocalDate.ofEpochDay(Math.floorDiv(seconds, SECONDS_PER_DAY));
        }

        private StringBuilder clock(StringBuilder text) {
            int second = (int) Math.floorMod(seconds, SECONDS_PER_DAY);
            return digits(digits(digits(text, second / 3600, 2).append(':'), second / 60 % 60, 2).append(':'), second % 60, 2);
        }

        /** Of PostgreSQL's ISO style without a zone. */
        String text() {
            LocalDate date = date();
            boolean beforeChrist = date.getYear() < 1;
            StringBuilder text = digits(new StringBuilder(30), beforeChrist ? 1 - date.getYear() : date.getYear(), 4);
            digits(digits(text.append('-'), date.getMonthValue(), 2).append('-'), date.getDayOfMonth(), 2);
            clock(text.append(' '));
            fraction(text, 6, true);
            return text.append(beforeChrist ? " BC" : "").toString();
        }

        String iso(int precision) {
            LocalDate date = date();
            int year = date.getYear();
            StringBuilder text = new StringBuilder(32).append(year < 0 ? "-" : year > 9999 ? "+" : "");
            digits(digits(digits(text, Math.abs(year), 4).append('-'), date.getMonthValue(), 2).append('-'), date.getDayOfMonth(), 2);
            clock(text.append('T'));
            fraction(text, precision, false);
            return text.append('Z').toString();
        }

        private void fraction(StringBuilder text, int precision, boolean shortened) {
            if (precision < 1 || shortened && micros == 0) {
                return;
            }
            int start = text.append('.').length();
            digits(text, micros, 6).setLength(start + precision);
            while (shortened && text.charAt(text.length() - 1) == '0') {
                text.setLength(text.length() - 1);
            }
        }

        private static StringBuilder digits(StringBuilder text, int number, int width) {
            for (int least = (int) Math.pow(10, width - 1); least > number && least > 1; least /= 10) {
                text.append('0');
            }
            return text.append(number);
        }
    }
}
