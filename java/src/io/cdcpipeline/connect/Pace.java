package io.cdcpipeline.connect;

import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.jdbc.JdbcConfiguration;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits a transaction every 20 ms while the chunks of an incremental snapshot are read. After each chunk, Debezium waits for the
 * commit of a transaction that began later. On an idle server only its heartbeat commits one, every few seconds.
 */
public final class Pace {
    private static final Logger LOG = LoggerFactory.getLogger(Pace.class);
    private static final long PAUSE_MS = 20;
    private static final long QUIET_NS = TimeUnit.SECONDS.toNanos(5);

    private final JdbcConfiguration where;
    private final String query;
    private Thread runs;
    private long last;

    /** @param query what the heartbeat does; null for nothing, also here */
    public Pace(JdbcConfiguration where, String query) {
        this.where = where;
        this.query = query;
    }

    /** Must be called for each chunk. Commits stop five seconds after the last call. */
    public synchronized void chunk() {
        last = System.nanoTime();
        if (query != null && !query.isBlank() && runs == null) {
            runs = new Thread(this::run, "cdc-pace");
            runs.setDaemon(true);
            runs.start();
        }
    }

    private void run() {
        try (PostgresConnection connection = new PostgresConnection(where, "Pace")) {
            // A heartbeat that a crash of the server loses is nobody's loss.
            connection.execute("SET synchronous_commit = off");
            while (goesOn()) {
                connection.execute(query);
                Thread.sleep(PAUSE_MS);
            }
        } catch (SQLException | RuntimeException e) {
            LOG.warn("Snapshots of added tables go on as slowly as the heartbeat: {}", e.getMessage());
            ended();
        } catch (InterruptedException e) {
            ended();
        }
    }

    private synchronized boolean goesOn() {
        if (System.nanoTime() - last < QUIET_NS) {
            return true;
        }
        runs = null;
        return false;
    }

    private synchronized void ended() {
        runs = null;
    }
}
