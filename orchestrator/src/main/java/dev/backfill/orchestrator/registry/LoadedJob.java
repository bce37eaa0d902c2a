package dev.backfill.orchestrator.registry;

import dev.backfill.api.JobDefinition;
import java.util.Map;
import java.util.Optional;

/**
 * A job as it was read from a file. An immutable value.
 *
 * @param definition what is to be done
 * @param canonical the same as JSON text, in which comments, formatting and the order of keys make no difference; it
 *     is a job file itself and can be read again
 * @param checksum the SHA-256 of the canonical text in UTF-8, as 64 hexadecimal digits
 * @param locations where everything stands in the file
 */
public record LoadedJob(JobDefinition definition, String canonical, String checksum, Locations locations) {

    /**
     * A problem at a place of this job's file.
     *
     * @param pointer the JSON pointer of the value, such as {@code /range/column}
     * @param message what is wrong
     * @param hint what to do about it; may be empty
     * @return the problem, at the nearest parent that is in the file when the value itself is not
     */
    public Problem problem(String pointer, String message, String hint) {
        return locations.problem(pointer, message, hint);
    }

    /**
     * A place in a file.
     *
     * @param line counted from 1
     * @param column counted from 1, in characters
     */
    public record Place(int line, int column) {}

    /**
     * Where the keys and values of a job stand in its file.
     *
     * @param file the file's name as it is shown to people
     * @param keys JSON pointer of a value to the place of its key
     * @param values JSON pointer of a value to its own place
     */
    public record Locations(String file, Map<String, Place> keys, Map<String, Place> values) {

        /** Copies the maps. */
        public Locations {
            keys = Map.copyOf(keys);
            values = Map.copyOf(values);
        }

        /**
         * Whether the file says anything at a pointer.
         *
         * @param pointer a JSON pointer
         * @return true when there is a value
         */
        public boolean has(String pointer) {
            return values.containsKey(pointer);
        }

        /**
         * The place of a value.
         *
         * @param pointer its JSON pointer
         * @return where the value begins; for a value that is not there, where the key of its nearest parent stands
         */
        public Place place(String pointer) {
            return Optional.ofNullable(values.get(pointer)).orElseGet(() -> key(parent(pointer)));
        }

        /**
         * The place of a key.
         *
         * @param pointer the JSON pointer of its value
         * @return where the key stands; for one that is not there, where the nearest parent's stands
         */
        public Place key(String pointer) {
            String at = pointer;
            while (!at.isEmpty()) {
                Place place = keys.get(at);
                if (place != null) {
                    return place;
                }
                at = parent(at);
            }
            return values.getOrDefault("", new Place(1, 1));
        }

        /**
         * A problem with a value.
         *
         * @param pointer its JSON pointer
         * @param message what is wrong
         * @param hint what to do about it; may be empty
         * @return the problem at the value's place
         */
        public Problem problem(String pointer, String message, String hint) {
            Place place = place(pointer);
            return new Problem(file, place.line(), place.column(), message, hint);
        }

        /**
         * A problem with a key.
         *
         * @param pointer the JSON pointer of its value
         * @param message what is wrong
         * @param hint what to do about it; may be empty
         * @return the problem at the key's place
         */
        public Problem keyProblem(String pointer, String message, String hint) {
            Place place = key(pointer);
            return new Problem(file, place.line(), place.column(), message, hint);
        }

        /**
         * The JSON pointer of a value in an object.
         *
         * @param parent the object's JSON pointer
         * @param key the value's key as it was written
         * @return the value's JSON pointer
         */
        public static String pointer(String parent, String key) {
            return parent + "/" + key.replace("~", "~0").replace("/", "~1");
        }

        /**
         * The pointer of the object or list that a value is in.
         *
         * @param pointer the value's JSON pointer
         * @return the parent's; the root is its own
         */
        static String parent(String pointer) {
            return pointer.substring(0, Math.max(0, pointer.lastIndexOf('/')));
        }
    }
}
