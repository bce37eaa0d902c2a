package dev.backfill.orchestrator.listen;

import dev.backfill.orchestrator.tls.CertificateFiles;
import dev.backfill.orchestrator.tls.UnusableFileException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Optional;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Serves a certificate from its files, and the new one once they changed and fit together; until then the old one, which
 * connections that are open keep. It looks every two seconds.
 */
final class RenewedCertificate extends SslContextFactory.Server {

    private static final Logger LOG = LoggerFactory.getLogger(RenewedCertificate.class);
    private static final Duration LOOK = Duration.ofSeconds(2);

    private final CertificateFiles files;
    private final ScheduledExecutorScheduler looks = new ScheduledExecutorScheduler("certificate", true);
    private Optional<String> served;
    private String refused = "";

    private RenewedCertificate(CertificateFiles files) throws UnusableFileException {
        this.files = files;
        this.served = files.stamp();
        setKeyStorePassword(CertificateFiles.PASSWORD);
        setKeyStore(files.read());
    }

    /**
     * Over these files.
     *
     * @throws IllegalStateException when they cannot be used
     */
    static RenewedCertificate serving(CertificateFiles files) {
        try {
            return new RenewedCertificate(files);
        } catch (UnusableFileException e) {
            throw new IllegalStateException("admin.tls: " + e.getMessage(), e);
        }
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        looks.start();
        looks.schedule(this::look, LOOK);
    }

    @Override
    protected void doStop() throws Exception {
        looks.stop();
        super.doStop();
    }

    private void look() {
        Optional<String> now = files.stamp();
        if (now.isPresent() && !now.equals(served)) {
            renew(now);
        }
        looks.schedule(this::look, LOOK);
    }

    /** What cannot be used is tried again at each look: that it can be by now need not show. */
    private void renew(Optional<String> stamp) {
        try {
            KeyStore store = files.read();
            reload(factory -> factory.setKeyStore(store));
            served = stamp;
            refused = "";
            LOG.atInfo().addKeyValue("certificate", files.certificate()).log("certificate renewed");
        } catch (UnusableFileException e) {
            refuse(String.valueOf(e.getMessage()), Optional.empty());
        } catch (Exception e) { // what Jetty's reload declares
            refuse(String.valueOf(e.getMessage()), Optional.of(e));
        }
    }

    private void refuse(String why, Optional<Exception> fault) {
        if (!why.equals(refused)) {
            refused = why;
            LoggingEventBuilder line = LOG.atError().addKeyValue("why", why);
            fault.map(line::setCause)
                    .orElse(line)
                    .log(
                            "new certificate cannot be used; the old one is served, and the new one tried every two seconds");
        }
    }
}
