package org.postgresql.util;

import io.cdcpipeline.connect.Span;
import java.sql.SQLException;

/**
 * An interval in PostgreSQL's own text, in the place of the driver's class of this name: that one fails at hours of 2³¹ and
 * more before any converter is asked, which ends the connector's task, and reads an infinite interval as zero. A plugin's jars
 * are searched in the order of their names, and this one's comes before the driver's.
 *
 * <p>The methods are those that Debezium calls.
 */
public class PGInterval extends PGobject {
    private static final long serialVersionUID = 1;

    public PGInterval() {
        setType("interval");
    }

    public PGInterval(String text) throws SQLException {
        this();
        setValue(text);
    }

    public int getYears() {
        return span().years();
    }

    public int getMonths() {
        return span().months();
    }

    public int getDays() {
        return span().days();
    }

    /** Throws ArithmeticException for what an int does not hold. */
    public int getHours() {
        return Math.toIntExact(span().hours());
    }

    public int getMinutes() {
        return span().minutes();
    }

    public double getSeconds() {
        return span().seconds().doubleValue();
    }

    private Span span() {
        return Span.of(getValue());
    }
}
