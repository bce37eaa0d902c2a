package dev.backfill.orchestrator.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads files in PEM.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7468">RFC 7468, Textual Encodings of PKIX Structures</a>
 */
final class Pem {

    private static final long MOST_BYTES = 1_000_000;
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "EdDSA");
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN ([A-Z ]*)PRIVATE KEY-----([^-]*)-----END [A-Z ]*PRIVATE KEY-----");

    private Pem() {}

    /** The certificates of a file, at least one, in their order. */
    static List<X509Certificate> certificates(Path file) throws UnusableFileException {
        try {
            List<X509Certificate> certificates =
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(new ByteArrayInputStream(bytes(file)))
                            .stream()
                            .map(X509Certificate.class::cast)
                            .toList();
            if (certificates.isEmpty()) {
                throw new UnusableFileException(file, "holds no certificate; it must be in PEM");
            }
            return certificates;
        } catch (CertificateException e) {
            throw new UnusableFileException(file, "holds no certificate that can be read; it must be in PEM");
        }
    }

    /** The private key of a file. No message shows any of it. */
    static PrivateKey key(Path file) throws UnusableFileException {
        Matcher key = KEY.matcher(new String(bytes(file), StandardCharsets.ISO_8859_1));
        if (!key.find()) {
            throw new UnusableFileException(file, "holds no private key; it must be in PEM");
        } else if (key.group(1).equals("ENCRYPTED ")) {
            throw new UnusableFileException(
                    file, "holds a key with a password; write one without: openssl pkcs8 -in OLD -out NEW");
        } else if (!key.group(1).isEmpty()) {
            throw new UnusableFileException(
                    file, "holds a key in an older form; convert it: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW");
        }
        try {
            return key(file, new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(key.group(2))));
        } catch (IllegalArgumentException e) {
            throw new UnusableFileException(file, "holds a private key that is cut or damaged");
        }
    }

    private static PrivateKey key(Path file, PKCS8EncodedKeySpec encoded) throws UnusableFileException {
        for (String algorithm : ALGORITHMS) {
            Optional<PrivateKey> key = key(algorithm, encoded);
            if (key.isPresent()) {
                return key.get();
            }
        }
        throw new UnusableFileException(file, "holds no key of a known kind: " + String.join(", ", ALGORITHMS));
    }

    /** The key, if it is one of these. */
    private static Optional<PrivateKey> key(String algorithm, PKCS8EncodedKeySpec encoded) {
        try {
            return Optional.of(KeyFactory.getInstance(algorithm).generatePrivate(encoded));
        } catch (InvalidKeySpecException e) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + algorithm, e);
        }
    }

    private static byte[] bytes(Path file) throws UnusableFileException {
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new UnusableFileException(file, "is too large for a certificate or a key");
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new UnusableFileException(file, "is not there");
        } catch (IOException e) {
            throw new UnusableFileException(file, "cannot be read: " + e.getMessage());
        }
    }
}
