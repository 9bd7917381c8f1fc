/**
 * What makes the rows of the connector lossless. {@link io.cdcpipeline.connect.PgConverter} sees each value before Debezium
 * converts it, and {@link io.cdcpipeline.connect.Lossless}, the first transformation, makes rows of what it found: a value is
 * itself in its column; or null there with PostgreSQL's text in {@code __text}; or null and named in {@code __unsent}, since
 * PostgreSQL did not send it; or null with its size and hash in {@code __cut}, since it is too large. The two are used together.
 */
package io.cdcpipeline.connect;
