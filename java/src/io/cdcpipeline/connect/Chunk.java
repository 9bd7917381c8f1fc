package io.cdcpipeline.connect;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Limits the result of a query in bytes: the result ends after the row that reaches the limit. The caller reads the rows after it
 * with another query.
 *
 * <p>The result also ends when the next rows cannot be fetched because the transaction has been committed, which Debezium's
 * heartbeat does.
 */
public final class Chunk implements InvocationHandler {
    /** PostgreSQL's invalid_cursor_name. */
    private static final String NO_CURSOR = "34000";

    /** What a value takes besides its characters: the object, and its place in the row. */
    private static final int VALUE = 32;

    private final ResultSet rows;
    private final long most;
    private long bytes;
    private boolean begun;

    private Chunk(ResultSet rows, long most) {
        this.rows = rows;
        this.most = most;
    }

    /**
     * Begins a transaction where there is none, until the statement is closed: only within one does the driver fetch some rows at a
     * time. The connection of a task that began with an offset has none.
     *
     * @param statement a query whose result is read value by value
     * @param most bytes of values in memory; the row that exceeds them is the last one
     */
    public static PreparedStatement bounded(PreparedStatement statement, long most) throws SQLException {
        Connection connection = statement.getConnection();
        boolean alone = connection.getAutoCommit();
        connection.setAutoCommit(false);
        return proxy(PreparedStatement.class, (self, method, arguments) -> {
            Object result = call(statement, method, arguments);
            if (alone && method.getName().equals("close")) {
                connection.setAutoCommit(true);
            }
            return method.getName().equals("executeQuery")
                    ? proxy(ResultSet.class, new Chunk((ResultSet) result, most))
                    : result;
        });
    }

    @Override
    public Object invoke(Object self, Method method, Object[] arguments) throws Throwable {
        if (method.getName().equals("next")) {
            return bytes < most && next();
        }
        Object result = call(rows, method, arguments);
        if (method.getName().startsWith("get")) {
            bytes += size(result);
        }
        return result;
    }

    private boolean next() throws SQLException {
        try {
            boolean found = rows.next();
            begun |= found;
            return found;
        } catch (SQLException e) {
            if (begun && NO_CURSOR.equals(e.getSQLState())) {
                return false;
            }
            throw e;
        }
    }

    /** Characters are counted as two bytes, which they are where one of them is not Latin. */
    private static long size(Object value) {
        if (value instanceof byte[] bytes) {
            return VALUE + bytes.length;
        }
        return value instanceof String || value instanceof Array || value instanceof org.postgresql.util.PGobject
                ? VALUE + 2L * String.valueOf(value).length()
                : VALUE;
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(Chunk.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
