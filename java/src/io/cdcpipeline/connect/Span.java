package io.cdcpipeline.connect;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A finite interval, as PostgreSQL prints it in the style `postgres`: 1 year 2 mons -3 days +04:05:06.789. */
public record Span(int years, int months, int days, long hours, int minutes, BigDecimal seconds) {
    private static final Pattern TEXT = Pattern.compile(
            "(?:([-+]?\\d+) years? ?)?(?:([-+]?\\d+) mons? ?)?(?:([-+]?\\d+) days? ?)?(?:([-+]?)(\\d+):(\\d+):(\\d+(?:\\.\\d+)?))?");

    /** Throws IllegalArgumentException if `text` is no interval, or an infinite one. */
    public static Span of(String text) {
        Matcher found = TEXT.matcher(text);
        if (text.isEmpty() || !found.matches()) {
            throw new IllegalArgumentException("not an interval in the style `postgres`: " + text);
        }
        int sign = "-".equals(found.group(4)) ? -1 : 1;
        boolean timed = found.group(5) != null;
        return new Span(whole(found.group(1)), whole(found.group(2)), whole(found.group(3)),
                timed ? sign * Long.parseLong(found.group(5)) : 0,
                timed ? sign * Integer.parseInt(found.group(6)) : 0,
                timed ? new BigDecimal(found.group(7)).multiply(BigDecimal.valueOf(sign)) : BigDecimal.ZERO);
    }

    private static int whole(String digits) {
        return digits == null ? 0 : Integer.parseInt(digits);
    }

    /** ISO 8601, with each part, as Debezium writes it. */
    String iso() {
        return "P" + years + "Y" + months + "M" + days + "DT" + hours + "H" + minutes + "M"
                + seconds.stripTrailingZeros().toPlainString() + "S";
    }
}
