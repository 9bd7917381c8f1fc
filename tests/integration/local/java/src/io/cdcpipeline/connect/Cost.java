package io.cdcpipeline.connect;

import com.sun.management.OperatingSystemMXBean;
import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * What it costs to read, transform and encode a change: prints the process's CPU microseconds an event for each so many
 * events. Arguments: the connector's properties, events a line, lines.
 */
public final class Cost {
        private final AvroData avro = new AvroData(new AvroDataConfig(Map.of()));
    private final Map<Schema, GenericDatumWriter<Object>> writers = new IdentityHashMap<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private BinaryEncoder encoder;
    private long written;

    public static void main(String[] arguments) throws Exception {
        try {
            new Cost().run(Capture.config(Path.of(arguments[0])), Long.parseLong(arguments[1]), Integer.parseInt(arguments[2]));
            System.exit(0);
        } catch (Throwable error) {
            error.printStackTrace();
            System.exit(1);
        }
    }

    private void run(Map<String, String> config, long events, int lines) throws Exception {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        List<Transformation<SourceRecord>> chain = Capture.chain(config);
        PostgresConnectorTask task = new PostgresConnectorTask();
        task.initialize(Capture.context(config, null));
        task.start(config);
        System.out.println("ready");
        long seen = 0;
        long since = 0;
        for (int line = 0; line < lines; ) {
            List<SourceRecord> records = task.poll();
            if (records == null) {
                continue;
            }
            for (SourceRecord record : records) {
                SourceRecord changed = record;
                for (Transformation<SourceRecord> transformation : chain) {
                    changed = changed == null ? null : transformation.apply(changed);
                }
                if (changed != null && !changed.topic().startsWith("__debezium")) {
                    since = seen++ == 0 ? system.getProcessCpuTime() : since;
                    encode(changed.keySchema(), changed.key());
                    encode(changed.valueSchema(), changed.value());
                    if (seen % events == 0) {
                        long now = system.getProcessCpuTime();
                        System.out.printf("%.2f%n", (now - since) / 1e3 / events);
                        since = now;
                        line++;
                    }
                }
                task.commitRecord(record, null);
            }
            task.commit();
        }
        System.err.println(written + " bytes");
        task.stop();
    }

    private void encode(Schema schema, Object value) throws IOException {
        var writer = writers.computeIfAbsent(schema, declared -> new GenericDatumWriter<>(avro.fromConnectSchema(declared)));
        bytes.reset();
        encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
        writer.write(avro.fromConnectData(schema, value), encoder);
        encoder.flush();
        written += bytes.size();
    }
}
