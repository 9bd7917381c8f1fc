package io.cdcpipeline.connect.rest;

import jakarta.annotation.Priority;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;

/**
 * Asks for a login before a request reaches Kafka Connect: a reader may read, a writer may do everything. Open are
 * {@code /health}, which is Connect's own, and {@code /health/live}, which says that the worker's server answers; both tell a
 * status alone.
 *
 * <p>The worker's setting {@value #FILE} names the file of {@link Logins}, {@value #PEOPLE} that of people, where there is one.
 */
public final class Access implements ConnectRestExtension {
    static final String FILE = "access.file";
    static final String PEOPLE = "access.people.file";
    private static final String PROTOCOL = "connect.protocol";
    private static final String SESSIONED = "sessioned";

    private Logins logins;

    @Override
    public void configure(Map<String, ?> settings) {
        if (!(settings.get(FILE) instanceof String file) || file.isBlank()) {
            throw new ConfigException(FILE + " must name the file of logins for the REST interface");
        }
        // Otherwise Connect would not verify what workers send each other, which is let through here.
        if (settings.get(PROTOCOL) instanceof String protocol && !protocol.equalsIgnoreCase(SESSIONED)) {
            throw new ConfigException(PROTOCOL + " must be " + SESSIONED + " where the REST interface asks for logins");
        }
        boolean hasPeople = settings.get(PEOPLE) instanceof String people && !people.isBlank();
        logins = new Logins(Path.of(file), hasPeople ? Path.of((String) settings.get(PEOPLE)) : null);
    }

    @Override
    public void register(ConnectRestExtensionContext context) {
        context.configurable().register(new Filter(logins));
    }

    @Override
    public String version() {
        return "1";
    }

    @Override
    public void close() { }

    /** Before a path is looked up, so that nobody learns without a login which ones there are. */
    @PreMatching
    @Priority(Priorities.AUTHENTICATION)
    static final class Filter implements ContainerRequestFilter {
        private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");
        private static final String HEALTH = "health";
        private static final String LIVE = "health/live";
        /** What a worker sends to the leader without anybody's request. Connect itself verifies the signature. */
        private static final Pattern OF_WORKERS = Pattern.compile("POST connectors/[^/]+/tasks|PUT connectors/[^/]+/fence");
        private static final String SIGNATURE = "X-Connect-Authorization";
        private static final String HOW = "a login with the right to read (kafka_connect_reader) or to write (kafka_connect_writer)";

        private final Logins logins;

        Filter(Logins logins) {
            this.logins = logins;
        }

        @Override
        public void filter(ContainerRequestContext request) {
            String method = request.getMethod();
            // Not decoded: a slash in a connector's name is none of the path.
            String path = request.getUriInfo().getPath(false).replaceAll("^/+|/+$", "");
            if (READING.contains(method) && path.equals(LIVE)) {
                request.abortWith(answer(Response.Status.OK, Map.of("status", "UP")));
                return;
            }
            if (READING.contains(method) && path.equals(HEALTH) || isOfAWorker(request, method + " " + path)) {
                return;
            }
            String header = request.getHeaderString(HttpHeaders.AUTHORIZATION);
            Optional<Logins.User> user = logins.signedIn(header);
            if (user.isEmpty()) {
                String why = header == null ? "This needs " + HOW : "The username or the password is wrong; this needs " + HOW;
                request.abortWith(refusal(Response.Status.UNAUTHORIZED, why));
            } else if (user.get().right() != Logins.Right.WRITER && !READING.contains(method)) {
                request.abortWith(refusal(Response.Status.FORBIDDEN, user.get().name() + " may only read; " + method + " /" + path
                        + " needs a login with the right to write (kafka_connect_writer)"));
            }
        }

        private static boolean isOfAWorker(ContainerRequestContext request, String line) {
            return request.getHeaderString(SIGNATURE) != null && OF_WORKERS.matcher(line).matches();
        }

        /** As Connect words its errors. */
        private static Response refusal(Response.Status status, String why) {
            Response answer = answer(status, Map.of("error_code", status.getStatusCode(), "message", why));
            // The body of the request is not read, so that another request cannot follow it.
            answer.getHeaders().putSingle("Connection", "close");
            if (status == Response.Status.UNAUTHORIZED) {
                answer.getHeaders().putSingle(HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"Kafka Connect\", charset=\"UTF-8\"");
            }
            return answer;
        }

        private static Response answer(Response.Status status, Map<String, ?> body) {
            return Response.status(status).type(MediaType.APPLICATION_JSON_TYPE).entity(body).build();
        }
    }
}
