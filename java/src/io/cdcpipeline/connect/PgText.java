package io.cdcpipeline.connect;

import io.debezium.data.SpecialValueDecimal;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.sql.RowId;
import java.sql.SQLException;
import java.sql.SQLXML;
import java.util.Map;
import java.util.UUID;
import org.postgresql.geometric.PGpath;
import org.postgresql.geometric.PGpoint;
import org.postgresql.geometric.PGpolygon;
import org.postgresql.jdbc.PgArray;
import org.postgresql.util.PGobject;

/** PostgreSQL's own text of what its driver has read. */
final class PgText {
    private PgText() {}

    static String of(Object sent) throws SQLException {
        return switch (sent) {
            case String text -> text;
            case PGpath path -> points(path.open ? "[" : "(", path.points, path.open ? "]" : ")");
            case PGpolygon polygon -> points("(", polygon.points, ")");
            case PGobject object -> object.getValue();
            case SQLXML xml -> xml.getString();
            case RowId row -> new String(row.getBytes(), StandardCharsets.UTF_8);
            case BigDecimal number -> number.toPlainString();
            case Map<?, ?> map -> Hstore.text(map);
            case SpecialValueDecimal number -> Numbers.text(number);
            case Boolean flag -> flag ? "t" : "f";
            // An array holds the text that it has come as.
            case PgArray array -> array.toString();
            case UUID uuid -> uuid.toString();
            case Integer number -> number.toString();
            case Long number -> number.toString();
            default -> throw new IllegalArgumentException("no text is known of " + sent.getClass().getName());
        };
    }

    private static String points(String opening, PGpoint[] points, String closing) {
        StringBuilder text = new StringBuilder(opening);
        for (PGpoint point : points) {
            if (text.length() > 1) {
                text.append(',');
            }
            text.append('(').append(number(point.x)).append(',').append(number(point.y)).append(')');
        }
        return text.append(closing).toString();
    }

    /** The fewest digits that give the same number, as both Java and PostgreSQL find them, in PostgreSQL's notation. */
    static String number(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Double.toString(number);
        }
        if (number == 0) {
            return 1 / number < 0 ? "-0" : "0";
        }
        BigDecimal decimal = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        if (decimal.precision() == 2) {
            // Java has two digits at least, which for the smallest numbers is one more than are needed.
            BigDecimal shorter = decimal.round(new MathContext(1));
            decimal = shorter.doubleValue() == number ? shorter : decimal;
        }
        int exponent = decimal.precision() - decimal.scale() - 1;
        if (exponent >= -4 && exponent < 15) {
            return decimal.toPlainString();
        }
        String digits = decimal.unscaledValue().abs().toString();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        String size = (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        return (number < 0 ? "-" : "") + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + size;
    }
}
