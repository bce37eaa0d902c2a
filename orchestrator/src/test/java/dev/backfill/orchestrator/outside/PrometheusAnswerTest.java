package dev.backfill.orchestrator.outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrometheusAnswerTest {

    private static final String SECRET = "SECRET";

    @Test
    void one_sample_is_its_number() throws Exception {
        assertThat(number(vector("[{'metric':{'a':'b'},'value':[1700000000.1,'0.25']}]")))
                .isEqualTo(0.25);
        assertThat(number(vector("[{'metric':{},'value':[1,'-3e2']}]"))).isEqualTo(-300);
        assertThat(number("{'status':'success','data':{'resultType':'scalar','result':[1,'42']},'warnings':['w']}"))
                .isEqualTo(42);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]                                                                     | no sample",
                "[{'metric':{'x':'SECRET'},'value':[1,'1']},{'metric':{},'value':[1,'2']}] | 2 samples, not one",
                "[{'metric':{'x':'SECRET'},'value':[1,'NaN']}]                          | no finite number",
                "[{'metric':{},'value':[1,'+Inf']}]                                     | no finite number",
                "[{'metric':{},'value':[1,'-Inf']}]                                     | no finite number",
                "[{'metric':{},'value':[1,'Infinity']}]                                 | no finite number",
                "[{'metric':{},'value':[1,'1e999']}]                                    | no finite number",
                "[{'metric':{},'value':[1,'SECRET']}]                                   | no finite number",
                "[{'metric':{},'value':[1,7]}]                                          | no finite number",
                "[{'metric':{},'value':['7']}]                                          | no finite number",
                "[{'metric':{},'histogram':[1,{'count':'1'}]}]                          | no finite number"
            })
    void a_vector_of_anything_else_is_none(String result, String why) {
        assertRefused(vector(result), why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'status':'error','errorType':'bad_data','error':'SECRET'}               | refuses its query",
                "{'status':'success','data':{'resultType':'string','result':[1,'SECRET']}} | no instant vector or scalar",
                "{'status':'success','data':{'resultType':'matrix','result':[]}}          | no instant vector or scalar",
                "{'status':'success','data':{'resultType':'SECRET','result':[]}}          | no Prometheus server",
                "{'status':'success'}                                                     | no Prometheus server",
                "{}                                                                       | no Prometheus server",
                "[]                                                                       | no Prometheus server",
                "7                                                                        | no Prometheus server",
                "<html>SECRET</html>                                                      | no Prometheus server",
                "{'status':'success','data':{'resultType':'scalar','result':[1,'4']}} SECRET | no Prometheus server",
                "``                                                                       | no Prometheus server"
            })
    void what_is_no_answer_is_refused(String body, String why) {
        assertRefused(body, why);
    }

    /** Such a body would take the stack of a parser that goes down with it. */
    @Test
    void a_deep_one_is_refused() {
        assertRefused("[".repeat(60_000), "no Prometheus server");
    }

    private static void assertRefused(String body, String why) {
        assertThatThrownBy(() -> number(body))
                .isInstanceOf(UnreadableException.class)
                .hasMessageContaining(why)
                .hasMessageNotContaining(SECRET)
                .hasNoCause();
    }

    private static String vector(String result) {
        return "{'status':'success','data':{'resultType':'vector','result':" + result + "}}";
    }

    private static double number(String body) throws UnreadableException {
        return PrometheusAnswer.number(body.replace('\'', '"'));
    }
}
