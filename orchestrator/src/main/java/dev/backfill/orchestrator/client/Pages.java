package dev.backfill.orchestrator.client;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A list of the admin API, over all its pages.
 *
 * @param client of the daemon
 * @param path of the first page, with a parameter
 * @param list the member that is the list
 */
public record Pages(AdminClient client, String path, String list) {

    private static final String AWAY = "away";

    /**
     * Reads to the end of the list.
     *
     * @param most how many items are kept, the last ones
     * @return what the pages say, as if they were one
     * @throws RefusedException when a page is refused
     * @throws StoppedException when the end is not waited for any more
     */
    public JsonNode last(int most) throws RefusedException, StoppedException {
        Deque<JsonNode> items = new ArrayDeque<>();
        Map<String, JsonNode> away = new LinkedHashMap<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            String from = after.get().isEmpty() ? "" : "&after=" + AdminClient.encoded(after.get());
            JsonNode page = client.get(path + from, list, AWAY);
            page.path(list).valueStream().forEach(items::add);
            while (items.size() > most) {
                items.removeFirst();
            }
            page.path(AWAY)
                    .valueStream()
                    .forEach(database -> away.put(database.path("database").asString(""), database));
            after = page.path("next").stringValueOpt();
        }
        ObjectNode all = JsonMapper.shared().createObjectNode();
        all.putArray(list).addAll(items);
        all.putNull("next");
        all.putArray(AWAY).addAll(away.values());
        return all;
    }
}
