package io.cdcpipeline.connect;

import io.debezium.connector.postgresql.PostgisGeometry;
import io.debezium.data.geometry.Circle;
import io.debezium.data.geometry.Geometry;
import io.debezium.data.geometry.Line;
import io.debezium.data.geometry.Point;
import io.debezium.spatial.WkbWriter;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.postgresql.geometric.PGbox;
import org.postgresql.geometric.PGcircle;
import org.postgresql.geometric.PGline;
import org.postgresql.geometric.PGlseg;
import org.postgresql.geometric.PGpath;
import org.postgresql.geometric.PGpoint;
import org.postgresql.geometric.PGpolygon;

/** Shapes as Debezium's structs, which hold their numbers to the last bit. */
final class Geometries {
    private Geometries() {}

    static Struct point(Schema schema, Object sent) throws SQLException {
        PGpoint point = sent instanceof PGpoint same ? same : new PGpoint(PgText.of(sent));
        return Point.createValue(schema, point.x, point.y);
    }

    static Struct line(Schema schema, Object sent) throws SQLException {
        PGline line = sent instanceof PGline same ? same : new PGline(PgText.of(sent));
        return Line.createValue(schema, line.a, line.b, line.c);
    }

    static Struct circle(Schema schema, Object sent) throws SQLException {
        PGcircle circle = sent instanceof PGcircle same ? same : new PGcircle(PgText.of(sent));
        return Circle.createValue(schema, circle.center.x, circle.center.y, circle.radius);
    }

    static Struct segment(Schema schema, Object sent) throws SQLException {
        PGlseg segment = sent instanceof PGlseg same ? same : new PGlseg(PgText.of(sent));
        return geometry(schema, WkbWriter.buildLineString(points(segment.point)), Map.of("type", "lseg"));
    }

    static Struct path(Schema schema, Object sent) throws SQLException {
        PGpath path = sent instanceof PGpath same ? same : new PGpath(PgText.of(sent));
        Map<String, String> open = Map.of("type", "path", "closed", String.valueOf(!path.open));
        return geometry(schema, WkbWriter.buildLineString(points(path.points)), open);
    }

    /** Five corners, of which PostgreSQL's two are the first and the third. */
    static Struct box(Schema schema, Object sent) throws SQLException {
        PGbox box = sent instanceof PGbox same ? same : new PGbox(PgText.of(sent));
        double x = box.point[0].x;
        double y = box.point[0].y;
        double otherX = box.point[1].x;
        double otherY = box.point[1].y;
        double[][] corners = {{x, y}, {x, otherY}, {otherX, otherY}, {otherX, y}, {x, y}};
        return geometry(schema, WkbWriter.buildPolygon(List.of(List.of(corners))), Map.of("type", "box"));
    }

    /** WKB's ring ends where it began. The first point is always repeated, so the last one is never PostgreSQL's. */
    static Struct polygon(Schema schema, Object sent) throws SQLException {
        PGpolygon polygon = sent instanceof PGpolygon same ? same : new PGpolygon(PgText.of(sent));
        List<double[]> ring = points(polygon.points);
        ring.add(ring.get(0));
        return geometry(schema, WkbWriter.buildPolygon(List.of(ring)), Map.of("type", "polygon"));
    }

    /** Of PostGIS, whose text is the hexadecimal of its extended WKB. */
    static Struct postgis(Schema schema, Object sent) throws SQLException {
        PostgisGeometry geometry = PostgisGeometry.fromHexEwkb(PgText.of(sent));
        return Geometry.createValue(schema, geometry.getWkb(), geometry.getSrid());
    }

    private static Struct geometry(Schema schema, byte[] wkb, Map<String, String> extensions) {
        return Geometry.createValue(schema, wkb, null, extensions);
    }

    private static List<double[]> points(PGpoint[] points) {
        List<double[]> list = new ArrayList<>(points.length + 1);
        for (PGpoint point : points) {
            list.add(new double[] {point.x, point.y});
        }
        return list;
    }
}
