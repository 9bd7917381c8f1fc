package io.cdcpipeline.connect;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Runs the connector's task as Kafka Connect would, without Kafka, and prints what would be written: one JSON line for each
 * record, after the transformations and a round trip through the registry's Avro. Arguments: a properties file with the
 * connector's configuration. It ends when the file `stop` beside it appears and nothing has come for a second. It begins at
 * the offset in the file `offset` beside it, if there is one, and notes there how far it has come. The file `reads` says in
 * the end how often the task read its offset.
 */
public final class Capture {
    private static final AtomicInteger reads = new AtomicInteger();

    private final AvroData avro = new AvroData(new AvroDataConfig(Map.of()));
    private final Map<Schema, org.apache.avro.Schema> schemas = new java.util.IdentityHashMap<>();
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[0]);
        try {
            new Capture().run(config(file), file.resolveSibling("stop"), file.resolveSibling("offset"));
            System.exit(0);
        } catch (Throwable error) {
            // The connector's threads would go on.
            error.printStackTrace();
            System.exit(1);
        }
    }

    static Map<String, String> config(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        Map<String, String> config = new HashMap<>();
        properties.forEach((name, value) -> config.put((String) name, (String) value));
        return config;
    }

    private void run(Map<String, String> config, Path stop, Path noted) throws Exception {
        ObjectMapper json = new ObjectMapper().configure(DeserializationFeature.USE_LONG_FOR_INTS, true);
        Map<String, Object> first = Files.exists(noted) ? json.readValue(noted.toFile(), new TypeReference<>() {}) : null;
        List<Transformation<SourceRecord>> chain = chain(config);
        PgTask task = new PgTask();
        task.initialize(context(config, first));
        task.start(config);
        long last = System.currentTimeMillis();
        while (!Files.exists(stop) || System.currentTimeMillis() - last < 1000) {
            List<SourceRecord> records = task.poll();
            if (records == null) {
                continue;
            }
            if (records.isEmpty()) {
                // Kafka Connect also commits a transaction after an empty batch.
                task.commit();
                continue;
            }
            for (SourceRecord record : records) {
                SourceRecord changed = record;
                for (Transformation<SourceRecord> transformation : chain) {
                    changed = changed == null ? null : transformation.apply(changed);
                }
                if (changed != null && !changed.topic().startsWith("__debezium")) {
                    last = System.currentTimeMillis();
                    if (Boolean.getBoolean("sizes")) {
                        printSize(changed);
                        // As brokers that confirm records slowly.
                        Thread.sleep(Integer.getInteger("slow", 0));
                    } else {
                        print(changed);
                    }
                }
                task.commitRecord(record, null);
            }
            task.commit();
            out.flush();
            Path next = noted.resolveSibling("offset.next");
            json.writeValue(next.toFile(), records.get(records.size() - 1).sourceOffset());
            Files.move(next, noted, StandardCopyOption.ATOMIC_MOVE);
        }
        task.stop();
        Files.writeString(noted.resolveSibling("reads"), Integer.toString(reads.get()));
    }

    /** The transformations as Kafka Connect makes them, without predicates. */
    @SuppressWarnings("unchecked")
    static List<Transformation<SourceRecord>> chain(Map<String, String> config) throws Exception {
        List<Transformation<SourceRecord>> chain = new ArrayList<>();
        for (String name : config.getOrDefault("transforms", "").split(",")) {
            String prefix = "transforms." + name.strip() + ".";
            if (name.isBlank() || config.containsKey(prefix + "predicate")) {
                continue;
            }
            Map<String, String> own = new HashMap<>();
            config.forEach((key, value) -> {
                if (key.startsWith(prefix)) {
                    own.put(key.substring(prefix.length()), value);
                }
            });
            var transformation = (Transformation<SourceRecord>) Class.forName(own.get("type")).getConstructor().newInstance();
            transformation.configure(own);
            chain.add(transformation);
        }
        return chain;
    }

    /** A task's context: one offset or none, nothing to do for the rest. */
    static SourceTaskContext context(Map<String, String> config, Map<String, Object> first) {
        OffsetStorageReader offsets = new OffsetStorageReader() {
            @Override
            public <T> Map<String, Object> offset(Map<String, T> partition) {
                return first;
            }

            @Override
            public <T> Map<Map<String, T>, Map<String, Object>> offsets(Collection<Map<String, T>> partitions) {
                reads.incrementAndGet();
                Map<Map<String, T>, Map<String, Object>> found = new HashMap<>();
                partitions.forEach(partition -> found.put(partition, first));
                return first == null ? Map.of() : found;
            }
        };
        InvocationHandler handler = (proxy, method, arguments) -> switch (method.getName()) {
            case "offsetStorageReader" -> offsets;
            case "configs" -> config;
            default -> null;
        };
        return (SourceTaskContext) Proxy.newProxyInstance(
                Capture.class.getClassLoader(), new Class<?>[] {SourceTaskContext.class}, handler);
    }

    /** The record's bytes in Avro, and whether something was cut, in the place of what it holds. */
    private void printSize(SourceRecord record) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
        for (Object[] part : new Object[][] {{record.keySchema(), record.key()}, {record.valueSchema(), record.value()}}) {
            if (part[1] != null) {
                Schema schema = (Schema) part[0];
                new GenericDatumWriter<>(schema(schema)).write(avro.fromConnectData(schema, part[1]), encoder);
            }
        }
        Object cut = record.value() instanceof org.apache.kafka.connect.data.Struct row && row.schema().field("__cut") != null
                ? row.get("__cut") : null;
        StringBuilder line = new StringBuilder("{\"topic\":");
        text(line, record.topic());
        out.println(line.append(",\"bytes\":").append(bytes.size()).append(",\"cut\":").append(cut != null).append('}'));
    }

    private void print(SourceRecord record) throws Exception {
        StringBuilder line = new StringBuilder("{\"topic\":");
        text(line, record.topic());
        line.append(",\"key\":");
        json(line, roundTrip(record.keySchema(), record.key()));
        line.append(",\"value\":");
        json(line, roundTrip(record.valueSchema(), record.value()));
        line.append(",\"key_schema\":").append(record.keySchema() == null ? "null" : schema(record.keySchema()).toString());
        line.append(",\"value_schema\":").append(record.valueSchema() == null ? "null" : schema(record.valueSchema()).toString());
        out.println(line.append('}'));
    }

    private org.apache.avro.Schema schema(Schema schema) {
        return schemas.computeIfAbsent(schema, avro::fromConnectSchema);
    }

    /** As Kafka's bytes would be decoded by the schema in the registry, which is text. */
    private Object roundTrip(Schema schema, Object value) throws Exception {
        if (value == null) {
            return null;
        }
        org.apache.avro.Schema written = schema(schema);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
        new GenericDatumWriter<>(written).write(avro.fromConnectData(schema, value), encoder);
        var decoder = DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null);
        return new GenericDatumReader<>(new org.apache.avro.Schema.Parser().parse(written.toString())).read(null, decoder);
    }

    private static void json(StringBuilder line, Object value) {
        switch (value) {
            case null -> line.append("null");
            case IndexedRecord record -> {
                char separator = '{';
                for (org.apache.avro.Schema.Field field : record.getSchema().getFields()) {
                    text(line.append(separator), field.name());
                    json(line.append(':'), record.get(field.pos()));
                    separator = ',';
                }
                line.append('}');
            }
            case Map<?, ?> map -> {
                char separator = '{';
                line.append(map.isEmpty() ? "{" : "");
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    text(line.append(separator), entry.getKey().toString());
                    json(line.append(':'), entry.getValue());
                    separator = ',';
                }
                line.append('}');
            }
            case Collection<?> list -> {
                char separator = '[';
                line.append(list.isEmpty() ? "[" : "");
                for (Object element : list) {
                    json(line.append(separator), element);
                    separator = ',';
                }
                line.append(']');
            }
            case ByteBuffer buffer -> {
                byte[] bytes = new byte[buffer.remaining()];
                buffer.duplicate().get(bytes);
                text(line.append("{\"hex\":"), HexFormat.of().formatHex(bytes));
                line.append('}');
            }
            case GenericFixed fixed -> text(line, HexFormat.of().formatHex(fixed.bytes()));
            case Boolean flag -> line.append(flag);
            case Float number -> text(line, number.toString());
            case Double number -> text(line, number.toString());
            case Number number -> line.append(number);
            default -> text(line, value.toString());
        }
    }

    private static void text(StringBuilder line, String value) {
        line.append('"');
        for (int i = 0; i < value.length(); i++) {
            char character = value.charAt(i);
            if (character == '"' || character == '\\') {
                line.append('\\').append(character);
            } else if (character < 0x20) {
                line.append(String.format("\\u%04x", (int) character));
            } else {
                line.append(character);
            }
        }
        line.append('"');
    }
}
