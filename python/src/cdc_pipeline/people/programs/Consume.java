import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints the changes in a topic, and goes on until Ctrl-C.
 *
 * <pre>
 * java -cp 'jars/*' Consume.java [TOPIC [NUMBER]]
 * </pre>
 *
 * <p>NUMBER: ends after so many, or some more that came with them. In jars are org.apache.kafka:kafka-clients, org.apache.avro:avro and what they depend on. The
 * login and the certificate authorities are in login.json and ca.pem in the folder in which it is called.
 */
public final class Consume {
    private static final Path CA = Path.of("ca.pem");

    private final JsonNode login = new ObjectMapper().readTree(new File("login.json"));
    private final String user = login.get("username").asText();
    private final String password = login.get("password").asText();
    private final HttpClient http = HttpClient.newBuilder().sslContext(trusting(CA)).build();
    private final Map<Integer, Schema> schemas = new HashMap<>();

    private Consume() throws Exception { }

    public static void main(String[] arguments) throws Exception {
        new Consume().run(arguments);
    }

    private void run(String[] arguments) throws Exception {
        String topic = arguments.length > 0 ? arguments[0] : login.at("/kafka/topics/0").asText();
        long left = arguments.length > 1 ? Long.parseLong(arguments[1]) : Long.MAX_VALUE;
        Properties settings = new Properties();
        settings.put("bootstrap.servers", login.at("/kafka/bootstrap_servers").asText());
        settings.put("security.protocol", "SASL_SSL");
        settings.put("sasl.mechanism", "SCRAM-SHA-512");
        settings.put("sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"" + user
                + "\" password=\"" + password + "\";");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", CA.toString());
        // Yours are the groups whose names begin so.
        settings.put("group.id", user + ".java");
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed");
        // The positions of a whole batch are committed.
        settings.put("max.poll.records", (int) Math.min(left, 500));
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (left > 0) {
                for (ConsumerRecord<byte[], byte[]> found : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(found.offset() + " " + decoded(found.key()) + " " + decoded(found.value()));
                    left--;
                }
            }
        }
    }

    /** A key or a value: a byte 0, the number of its schema in four bytes, and Avro. */
    private Object decoded(byte[] data) throws IOException, InterruptedException {
        if (data == null) {
            return null;
        }
        int number = ByteBuffer.wrap(data).getInt(1);
        if (!schemas.containsKey(number)) {
            schemas.put(number, schema(number));
        }
        InputStream avro = new ByteArrayInputStream(data, 5, data.length - 5);
        return new GenericDatumReader<>(schemas.get(number)).read(null, DecoderFactory.get().binaryDecoder(avro, null));
    }

    private Schema schema(int number) throws IOException, InterruptedException {
        String signed = Base64.getEncoder().encodeToString((user + ":" + password).getBytes());
        URI where = URI.create(login.get("schema_registry").asText() + "/schemas/ids/" + number);
        HttpRequest request = HttpRequest.newBuilder(where).header("Authorization", "Basic " + signed).build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(where + ": status " + answer.statusCode());
        }
        return new Schema.Parser().parse(new ObjectMapper().readTree(answer.body()).get("schema").asText());
    }

    private static SSLContext trusting(Path authorities) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (InputStream pem = Files.newInputStream(authorities)) {
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                trusted.setCertificateEntry("authority-" + trusted.size(), each);
            }
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}
