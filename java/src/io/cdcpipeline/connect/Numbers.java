package io.cdcpipeline.connect;

import io.debezium.data.SpecialValueDecimal;
import io.debezium.data.VariableScaleDecimal;
import java.math.BigDecimal;
import org.apache.kafka.connect.data.Schema;

/** Numerics: NaN and the infinities are beside them; no digit is dropped, nor a zero at the end. */
final class Numbers {
    private Numbers() {}

    static Value fixed(Object sent, int scale) {
        Object number = number(sent);
        return number instanceof BigDecimal decimal ? Value.of(decimal.setScale(scale)) : Value.beside((String) number);
    }

    static Value variable(Object sent, Schema schema) {
        Object number = number(sent);
        return number instanceof BigDecimal decimal
                ? Value.of(VariableScaleDecimal.fromLogical(schema, new SpecialValueDecimal(decimal)), decimal)
                : Value.beside((String) number);
    }

    /** A BigDecimal, or the text of what is no number. */
    private static Object number(Object sent) {
        return switch (sent) {
            case BigDecimal decimal -> decimal;
            case SpecialValueDecimal decimal when decimal.getDecimalValue().isPresent() -> decimal.getDecimalValue().get();
            case SpecialValueDecimal decimal -> text(decimal);
            case String text -> switch (text) {
                case "NaN", "Infinity", "-Infinity" -> text;
                default -> new BigDecimal(text);
            };
            default -> throw new IllegalArgumentException("a numeric came as " + sent.getClass().getName());
        };
    }

    static String text(SpecialValueDecimal decimal) {
        if (decimal.getDecimalValue().isPresent()) {
            return decimal.getDecimalValue().get().toPlainString();
        }
        if (decimal.equals(SpecialValueDecimal.NOT_A_NUMBER)) {
            return "NaN";
        }
        return decimal.equals(SpecialValueDecimal.POSITIVE_INF) ? "Infinity" : "-Infinity";
    }
}
