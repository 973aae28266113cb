import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.google.protobuf.util.JsonFormat;
import org.apache.pulsar.common.functions.FunctionConfig;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.common.io.SourceConfig;
import org.apache.pulsar.functions.proto.Function.FunctionDetails;
import org.apache.pulsar.functions.utils.FunctionConfigUtils;
import org.apache.pulsar.functions.utils.SinkConfigUtils;
import org.apache.pulsar.functions.utils.SourceConfigUtils;

/**
 * Pulsar's own opinion: a list of {kind, config, className, typeArgs} on standard input becomes the list of their
 * FunctionDetails on standard output, or of {"refused": message}.
 */
public class Converter {
    public static void main(String[] arguments) throws Exception {
        ObjectMapper json = new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
        ArrayNode converted = json.createArrayNode();
        for (JsonNode item : json.readTree(System.in)) {
            try {
                converted.add(json.readTree(JsonFormat.printer().print(convert(json, item))));
            } catch (IllegalArgumentException refused) {
                converted.addObject().put("refused", refused.getMessage());
            }
        }
        System.out.println(json.writeValueAsString(converted));
    }

    private static FunctionDetails convert(ObjectMapper json, JsonNode item) throws Exception {
        JsonNode config = item.get("config");
        String className = item.get("className").asText();
        String first = item.get("typeArgs").get(0).asText();
        String second = item.get("typeArgs").get(1).asText();
        switch (item.get("kind").asText()) {
            case "Function":
                return FunctionConfigUtils.convert(json.treeToValue(config, FunctionConfig.class),
                        new FunctionConfigUtils.ExtractedFunctionDetails(className, first, second));
            case "Sink":
                return SinkConfigUtils.convert(json.treeToValue(config, SinkConfig.class),
                        new SinkConfigUtils.ExtractedSinkDetails(className, first, null));
            default:
                return SourceConfigUtils.convert(json.treeToValue(config, SourceConfig.class),
                        new SourceConfigUtils.ExtractedSourceDetails(className, second));
        }
    }
}
