package io.debezium.connector.postgresql;

import io.debezium.pipeline.source.snapshot.incremental.AbstractIncrementalSnapshotContext;
import io.debezium.pipeline.spi.OffsetContext;
import java.util.Map;
import java.util.Objects;

/**
 * The window of a chunk of an incremental snapshot, in the place of the class of this name that the connector for PostgreSQL uses.
 * The rows of a chunk are held from the snapshot before the query, the low watermark, until the stream has come past the snapshot
 * after it, the high watermark. A change that arrives meanwhile takes the place of its row.
 *
 * <p>It differs from Debezium's in one way: a commit also closes the window if its transaction began after the high watermark.
 * Debezium waits for the very next transaction of the server, or for a change of a captured table. If other databases are busy,
 * neither may arrive.
 *
 * <p>Transaction ids of the stream have 32 bits, and those of snapshots 64. After 2³² transactions, every id of the stream is less
 * than a watermark, so that the window closes before the next change.
 */
public class PostgresReadOnlyIncrementalSnapshotContext<T> extends AbstractIncrementalSnapshotContext<T> {
    private PgSnapshot low;
    private PgSnapshot high;
    private PgSnapshot lowBefore;
    private PgSnapshot highBefore;

    public PostgresReadOnlyIncrementalSnapshotContext() {
        this(false);
    }

    public PostgresReadOnlyIncrementalSnapshotContext(boolean useCatalogBeforeSchema) {
        super(useCatalogBeforeSchema);
    }

    /** @param offsets the offset of the task, where an interrupted snapshot has left how far it had come */
    public static <U> PostgresReadOnlyIncrementalSnapshotContext<U> load(Map<String, ?> offsets) {
        return load(offsets, false);
    }

    public static <U> PostgresReadOnlyIncrementalSnapshotContext<U> load(Map<String, ?> offsets, boolean useCatalogBeforeSchema) {
        var made = new PostgresReadOnlyIncrementalSnapshotContext<U>(useCatalogBeforeSchema);
        init(made, offsets);
        return made;
    }

    public PgSnapshot getLowWatermark() {
        return low;
    }

    public void setLowWatermark(PgSnapshot snapshot) {
        low = snapshot;
    }

    public PgSnapshot getHighWatermark() {
        return high;
    }

    public void setHighWatermark(PgSnapshot snapshot) {
        high = snapshot;
    }

    /** Opens or closes the window at a change. */
    public void updateWindowState(OffsetContext offset) {
        Long id = offset.getSourceInfo().getInt64(SourceInfo.TXID_KEY);
        if (id == null || low == null) {
            return;
        }
        windowOpened |= id >= low.getXMin();
        if (windowOpened && high != null && id > high.getXMax()) {
            closeWindow();
        }
    }

    public boolean isWindowClosed() {
        return !windowOpened;
    }

    public void closeWindow() {
        windowOpened = false;
        lowBefore = low;
        highBefore = high;
        low = null;
        high = null;
    }

    /**
     * Whether the commit of a transaction closes the window: the chunk's query saw it, or it began after the query. The changes of
     * any other one, which have taken the place of their rows, leave the window open.
     *
     * @param id of the last transaction in the stream; null before the first one
     */
    public boolean isTransactionVisible(Long id) {
        return id != null && high != null && (id <= high.getXMin() || id >= high.getXMax());
    }

    /** Whether a transaction began or ended between the last two chunks. */
    public boolean watermarksChanged() {
        return !Objects.equals(lowBefore, low) || !Objects.equals(highBefore, high);
    }
}
