package io.debezium.jdbc;

import io.cdcpipeline.connect.SnapshotConnection;
import io.debezium.DebeziumException;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import java.sql.SQLException;

/**
 * Makes a task's connections, in the place of the class of this name, so that snapshots read through {@link SnapshotConnection}.
 * A plugin's jars are searched in the order of their names, and this one's comes first.
 */
public class DefaultMainConnectionProvidingConnectionFactory<T extends JdbcConnection> implements MainConnectionProvidingConnectionFactory<T> {
    private final ConnectionFactory<T> debezium;
    private final T main;

    public DefaultMainConnectionProvidingConnectionFactory(ConnectionFactory<T> debezium) {
        this.debezium = debezium;
        main = newConnection();
    }

    @Override
    public T mainConnection() {
        return main;
    }

    @Override
    @SuppressWarnings("unchecked")
    public T newConnection() {
        try {
            return (T) new SnapshotConnection((PostgresConnection) debezium.newConnection());
        } catch (SQLException e) {
            throw new DebeziumException(e);
        }
    }
}
